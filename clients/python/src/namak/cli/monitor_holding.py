"""Alarms of what somebody holds: receipts in a directory, and letters in a mailbox."""

from namak.monitor.alarms import Alarm, AlarmKind


def of_receipt(name: str, problem: str) -> Alarm:
    """Returns the alarm of a receipt, by its file's name."""
    return Alarm(AlarmKind.RECEIPT, name, {"file": name, "problem": problem})


def of_mailbox(address: str, problem: str) -> Alarm:
    """Returns the alarm of a mailbox."""
    return Alarm(AlarmKind.MAILBOX, f"{address}: {problem}", {"mailbox": address, "problem": problem})


def of_letter(address: str, name: str, problem: str) -> Alarm:
    """Returns the alarm of a letter in a mailbox."""
    return of_mailbox(address, f"{name}: {problem}")

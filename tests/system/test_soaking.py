"""Nothing that was accepted is lost when processes are killed: a small run of `scripts/soak`, and its
account, which is out when anything is wrong.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.soaking.mailing import MailBooks
from scripts.soaking.reckoning import FORWARDED, compare
from scripts.soaking.running import Order, Soak
from server.dev.world import World

pytestmark = [pytest.mark.hsm, pytest.mark.timeout(600)]  # it starts a process every time that it kills one

MESSAGES = 100
KILL_EVERY = 50
SEED = 3145
"""Kills one of each kind early: mail listener, server, worker."""


async def test_every_message_is_accounted_for_though_processes_are_killed(
    world: World, database_url: str, tmp_path: Path
) -> None:
    guard = tmp_path / "guard" / "checkpoint.note"
    order = Order(world, database_url, guard, MESSAGES, SEED, KILL_EVERY, silent=2.0, each=1)
    soak = Soak(order, lambda _: None)
    result = await soak.run()

    assert [(check.name, list(check.wrong)) for check in result.checks if not check.passed] == []
    figures = result.figures
    assert all(figures["kills"].values())
    assert figures["messages_proven_by_holders"] == figures["deliveries"] > MESSAGES / 2
    assert figures["mails_taken"] > figures["receipts_verified_by_mail_senders"] / 2 > 0
    assert figures["segments_taken"] > 0
    assert figures["notices"] > 0
    for name, distort in DISTORTIONS:
        assert name in wrong_with(soak, distort), distort.__name__


def wrong_with(soak: Soak, distort: Callable[[Soak], None]) -> Sequence[str]:
    """Returns which checks fail once something is other than it was."""
    home, centre = soak.yard.home, soak.yard.phones.centre
    taken, receipts, segments = home.taken.copy(), dict(home.receipts), list(centre.taken)
    distorted = Soak(soak.order, soak.say, replace(soak.told, answers=dict(soak.told.answers)), MailBooks())
    distorted.mails.sent, distorted.mails.answered = dict(soak.mails.sent), dict(soak.mails.answered)
    distorted.yard, distorted.account = soak.yard, copy.copy(soak.account)
    distorted.account.rows = dict(soak.account.rows)
    distort(distorted)
    guard = soak.yard.guard.read_bytes()
    found = compare(soak.yard, distorted.account, distorted.told, distorted.mails, guard)
    home.taken, home.receipts, centre.taken = taken, receipts, segments
    return [check.name for check in found.checks if not check.passed]


def a_mail_outside_is_lost(soak: Soak) -> None:
    home = soak.yard.home
    del home.taken[next(each for each in home.taken if each[0] not in home.senders)]


def a_mail_outside_has_another_message_id(soak: Soak) -> None:
    address = next(box.mail for box in soak.yard.boxes if box.mail)
    soak.yard.home.taken[address, "<another@post.example.am>"] += 1


def mails_come_without_end(soak: Soak) -> None:
    soak.yard.home.taken[next(iter(soak.yard.home.taken))] += 1000


def a_receipt_does_not_come(soak: Soak) -> None:
    soak.yard.home.receipts.popitem()


def segments_are_lost(soak: Soak) -> None:
    # Half of them: some came twice.
    taken = soak.yard.phones.centre.taken
    del taken[len(taken) // 2 :]


def a_copy_waits_for_ever(soak: Soak) -> None:
    rows = [dict(row) for row in soak.account.rows["copies"]]
    rows[0]["state"] = "WAITING"
    soak.account.rows["copies"] = rows


def a_fact_of_a_copy_is_lost(soak: Soak) -> None:
    rows = list(soak.account.rows["evidence"])
    rows.remove(next(row for row in rows if row["event"] in FORWARDED))
    soak.account.rows["evidence"] = rows


def a_mail_is_no_delivery(soak: Soak) -> None:
    soak.account.rows["mailed"] = soak.account.rows["mailed"][1:]


def a_mail_was_answered_otherwise(soak: Soak) -> None:
    name, ids = next(iter(soak.mails.answered.items()))
    soak.mails.answered[name] = tuple(each.replace(each[-1], "x") for each in ids)


def a_request_is_never_answered(soak: Soak) -> None:
    soak.told.answers.popitem()


def an_effect_is_lost(soak: Soak) -> None:
    rows = list(soak.account.rows["evidence"])
    rows.remove(next(row for row in rows if row["event"].endswith("/NotificationEffected")))
    soak.account.rows["evidence"] = rows


def a_job_is_a_dead_letter(soak: Soak) -> None:
    soak.account.rows["jobs"] = [{"task_name": "forwarding.copy", "status": "failed"}]


DISTORTIONS: Sequence[tuple[str, Callable[[Soak], None]]] = (
    ("outside there is a mail for each copy, by Message-IDs, and no other", a_mail_outside_is_lost),
    (
        "outside there is a mail for each copy, by Message-IDs, and no other",
        a_mail_outside_has_another_message_id,
    ),
    ("what came twice is what a kill explains", mails_come_without_end),
    ("who sent by mail got the receipts of each delivery, once", a_receipt_does_not_come),
    ("the centre took every segment of every text", segments_are_lost),
    ("every copy has exactly one success or failure, as a fact", a_copy_waits_for_ever),
    ("every copy has exactly one success or failure, as a fact", a_fact_of_a_copy_is_lost),
    ("every mail was answered, and is one delivery to each recipient", a_mail_is_no_delivery),
    ("every mail was answered, and is one delivery to each recipient", a_mail_was_answered_otherwise),
    ("every request over gRPC was answered in the end", a_request_is_never_answered),
    ("every ladder has one notice and one effect, and nobody else is notified", an_effect_is_lost),
    ("no job waits, and none is a dead letter", a_job_is_a_dead_letter),
)

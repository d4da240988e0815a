"""What a verification found: every check in plain words, per file, and the verdict over all."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from namak.evidence.administrative_act import RecordedAct
from namak.evidence.document import RecordedFact
from namak.evidence.outage import RecordedOutage
from namak.evidence.recorded import Recorded
from namak.evidence.tlog_policy import CheckedCheckpoint


class Outcome(StrEnum):
    """How a check came out. Only FAILED makes a receipt invalid."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_BOUNDED = "not bounded"
    """No independent clock confirms the time; nothing speaks against it either."""
    NOT_GIVEN = "not given"
    """The check would need a receipt that is not among the files, and what is proven does not depend on it.
    """
    NOT_COUNTED = "not counted"
    """Something was given beside the receipt that is no good; what is proven does not depend on it."""
    NOTED = "noted"
    """Nothing is wrong with the receipt; who relies on it should know this all the same."""


class Verdict(StrEnum):
    """Whether what was given can be relied on."""

    VALID = "VALID"
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, how it came out, and what was found, in words."""

    name: str
    outcome: Outcome
    words: str


@dataclass(frozen=True, slots=True)
class FileReport:
    """What was found of one file; ``proves`` says in one sentence what it proves, if anything.

    ``fact`` is the evidence in it where that is about a message, ``act`` where it is of an administrative
    act.
    """

    name: str
    checks: tuple[Check, ...]
    verdict: Verdict
    proves: str
    fact: RecordedFact | None
    act: RecordedAct | None = None
    outage: RecordedOutage | None = None

    @property
    def evidence(self) -> Recorded | None:
        """The evidence in the file, of whichever event."""
        return self.fact or self.act or self.outage


@dataclass(frozen=True, slots=True)
class Report:
    """What was found of all files together; VALID when there are files and each of them is."""

    files: tuple[FileReport, ...]

    @property
    def verdict(self) -> Verdict:
        valid = bool(self.files) and all(file.verdict is Verdict.VALID for file in self.files)
        return Verdict.VALID if valid else Verdict.INVALID


@dataclass(slots=True)
class Receipt:
    """A file under verification: what could be read of it so far, and the checks made.

    Its evidence is a ``fact`` about a message, which others may rest on, an administrative ``act``, or of an
    ``outage``.
    """

    name: str
    checks: list[Check] = field(default_factory=list)
    checked: CheckedCheckpoint | None = None
    index: int | None = None
    fact: RecordedFact | None = None
    act: RecordedAct | None = None
    outage: RecordedOutage | None = None
    is_sound: bool = True
    """Whether no check has failed so far."""
    own: int = 0
    """How many of the checks are of this very file; those after them are of the evidence in it."""

    def precedes(self, later: "Receipt") -> bool:
        """Whether its evidence was recorded before the later's: by place within one log, else by time."""
        first, second = self.fact or self.act, later.fact or later.act
        if first is None or second is None or self.checked is None or later.checked is None:
            return False
        if self.checked.log_name != later.checked.log_name:
            return first.document.event_time <= second.document.event_time
        return self.index is not None and later.index is not None and self.index < later.index

    def note(self, name: str, outcome: Outcome, words: str) -> None:
        self.checks.append(Check(name, outcome, words))
        if outcome is Outcome.FAILED:
            self.is_sound = False

    def repeat(self, checks: Iterable[Check]) -> None:
        """Notes checks that were made elsewhere."""
        for check in checks:
            self.note(check.name, check.outcome, check.words)

    def passed(self, name: str, words: str) -> None:
        self.checks.append(Check(name, Outcome.PASSED, words))

    def failed(self, name: str, words: str) -> None:
        self.note(name, Outcome.FAILED, words)

    def settle(self, name: str, problems: list[str], otherwise: str) -> None:
        """Notes one check: failed with its problems, or passed with the words of ``otherwise``."""
        if problems:
            self.failed(name, "; ".join(problems))
        else:
            self.passed(name, otherwise)

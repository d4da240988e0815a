"""What the callers were told: every answer, every receipt, every checkpoint that ever reached a client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from namak.client import NamakError, Outcome
from namak.v1 import delivery_pb2, evidence_pb2


@dataclass(frozen=True)
class Answer:
    """A definite answer to one request id, without the receipts, which may differ from time to time."""

    delivery_id: str = ""
    delivery: bytes = b""
    documents: tuple[bytes, ...] = ()
    reason: str = ""
    evidence_id: str = ""
    message: str = ""

    @property
    def accepted(self) -> bool:
        return bool(self.delivery_id)

    @classmethod
    def of(cls, outcome: Outcome) -> "Answer":
        """Returns what an outcome says; fails for one that is not definite."""
        if (accepted := outcome.accepted) is not None:
            assert [fact.evidence_id for fact in accepted.evidence if not fact.document] == []
            return cls(
                delivery_id=accepted.delivery.delivery_id,
                delivery=accepted.delivery.SerializeToString(deterministic=True),
                documents=tuple(fact.document for fact in accepted.evidence),
            )
        error = outcome.error
        assert error is not None
        assert error.evidence_id, f"{outcome.request_id}: {error.reason}: {error}"
        return cls(reason=error.reason, evidence_id=error.evidence_id, message=error.message)


@dataclass
class Told:
    """The callers' own books, which the server's must agree with at the end."""

    submissions: dict[str, delivery_pb2.Submission] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    receipts: list[bytes] = field(default_factory=list)
    checkpoints: set[bytes] = field(default_factory=set)
    failures: list[NamakError] = field(default_factory=list)
    """Tries that ended without an answer."""
    rounds: int = 0
    """How many calls were answered."""

    def asked(self, submission: delivery_pb2.Submission) -> None:
        """Notes a request, before its first try."""
        assert submission.request_id not in self.submissions
        self.submissions[submission.request_id] = submission

    def answered(self, outcome: Outcome) -> None:
        """Notes an answer: the first one to a request, or the same one again."""
        answer = Answer.of(outcome)
        assert self.answers.setdefault(outcome.request_id, answer) == answer
        if outcome.accepted is not None:
            evidence = {fact.evidence_id: fact.document for fact in outcome.accepted.evidence}
            assert len(outcome.accepted.receipts) in (0, len(evidence))
            for receipt in outcome.accepted.receipts:
                self.keep(receipt)

    def keep(self, receipt: evidence_pb2.Receipt) -> None:
        """Notes a receipt."""
        self.receipts.append(receipt.tlog_proof)

    @property
    def accepted(self) -> Mapping[str, Answer]:
        return {each: answer for each, answer in self.answers.items() if answer.accepted}

    @property
    def refused(self) -> Mapping[str, Answer]:
        return {each: answer for each, answer in self.answers.items() if not answer.accepted}

    @property
    def reasons(self) -> Sequence[str]:
        """Why tries ended without an answer."""
        return sorted({failure.reason for failure in self.failures})

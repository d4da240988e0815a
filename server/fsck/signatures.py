"""Verifies the signatures of all confirmations again, by the very function that verifiers run.

Whom a signature counts for is a question of trust: it is judged by the citizen roots of the settings and, as
in court, by the revocation lists that the evidence holds or names. So an old confirmation needs the roots of
its time.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from namak.evidence.certificate import CertificateNaming
from namak.evidence.details import ConfirmationDetails, NamedList
from namak.evidence.document import RecordedFact
from namak.evidence.errors import EvidenceError
from namak.evidence.report import Outcome, Receipt
from namak.evidence.verify_confirmation import check_confirmation
from namak.evidence.verify_right import Acts
from server.fsck.findings import Kind, Part, Report
from server.fsck.signature_ports import ConfirmationInspection, ConfirmationKey, StoredConfirmation

AT_ONCE: Final = 200
"""Confirmations that are read at a time: enough for one round trip."""

_LISTS_KEPT: Final = 4
"""Published lists have up to some dozens of megabytes, and one serves many confirmations in a row."""

_KINDS: Final[Mapping[str, Kind]] = {
    "statement": Kind.CONFIRMATION_WRONG,
    "statement time": Kind.CONFIRMATION_WRONG,
    "signature": Kind.CONFIRMATION_UNSIGNED,
    "signer": Kind.CONFIRMATION_UNSIGNED,
    "certificate": Kind.CONFIRMATION_UNTRUSTED,
    "revocation": Kind.CONFIRMATION_STATUS,
}
"""What a failed check of a verifier is called here. Whether who signs for another was entitled to is shown by
other evidence, which a verifier asks for (`right`).
"""


@dataclass(frozen=True, slots=True)
class CitizenTrust:
    """The citizen roots (DER), and how their certificates name people."""

    roots: Sequence[bytes]
    naming: CertificateNaming


class SignatureCheck:
    """Checks confirmations one by one."""

    def __init__(self, confirmations: ConfirmationInspection, trust: CitizenTrust, report: Report) -> None:
        self._confirmations = confirmations
        self._trust = trust
        self._report = report
        self._lists: dict[bytes, bytes] = {}
        self._on_behalf = 0

    async def run(self) -> None:
        """Goes through all of them. Raises ServiceUnavailable."""
        after: ConfirmationKey = (UUID(int=0), UUID(int=0))
        while found := await self._confirmations.confirmations(after, AT_ONCE):
            for each in found:
                await self._one(each)
            self._report.done(Part.SIGNATURES, "confirmations", len({each.key for each in found}))
            after = found[-1].key
        if self._on_behalf:
            self._report.unchecked.append(
                f"the rights of {self._on_behalf:,} who confirmed on behalf of others: `namak verify` judges"
                " them, with the receipts of the acts"
            )

    async def _one(self, stored: StoredConfirmation) -> None:
        if stored.document is None:
            # That evidence is gone is found with the deliveries.
            return
        try:
            fact = RecordedFact.parse(stored.document)
        except EvidenceError as wrong:
            self._found(Kind.FACT_UNREADABLE, stored, wrong.detail)
            return
        details = fact.document.details
        if not isinstance(details, ConfirmationDetails):
            return
        named = [each.digest for each in details.revocation if isinstance(each, NamedList)]
        lists = await self._named(named)
        self._on_behalf += details.right is not None
        for kind, why in await asyncio.to_thread(self._flaws, fact, lists):
            self._found(kind, stored, why)

    def _flaws(self, fact: RecordedFact, lists: Mapping[str, bytes]) -> list[tuple[Kind, str]]:
        receipt = Receipt("", fact=fact)
        check_confirmation(receipt, {}, self._trust.roots, self._trust.naming, lists, Acts({}))
        return [
            (_KINDS[check.name], check.words)
            for check in receipt.checks
            if check.outcome is Outcome.FAILED and check.name in _KINDS
        ]

    async def _named(self, digests: Collection[str]) -> Mapping[str, bytes]:
        found = {}
        for text in digests:
            digest = bytes.fromhex(text)
            der = self._lists.get(digest) or await self._confirmations.list(digest)
            if der is not None:
                found[text] = self._lists[digest] = der
        while len(self._lists) > max(_LISTS_KEPT, len(found)):
            del self._lists[next(iter(self._lists))]
        return found

    def _found(self, kind: Kind, stored: StoredConfirmation, why: str) -> None:
        self._report.found(
            Part.SIGNATURES, kind, f"delivery {stored.key[1]}: evidence {stored.evidence_id}: {why}"
        )

"""Verifies all timestamps over notes again: over which note, by whom, and at which time."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from namak.evidence.errors import EvidenceError
from namak.evidence.timestamp import TimestampTrust, check_timestamp
from server.fsck.findings import Kind, Part, Report
from server.fsck.token_ports import StoredToken, TokenInspection, TokenKey

TOKENS_AT_ONCE: Final = 500

ALLOWANCE: Final = timedelta(seconds=120)
"""A token's time may be so far before its note was stored, or from when it was stored itself: clocks differ,
as in what verifiers permit (docs/receipts.md).
"""


class TokenCheck:
    """Checks that each token is over a stored note, by the authority of that name in the settings, and that
    its time fits.
    """

    def __init__(
        self, tokens: TokenInspection, authorities: Mapping[str, TimestampTrust], report: Report
    ) -> None:
        """Takes whom to trust, by the settings' names."""
        self._tokens = tokens
        self._authorities = authorities
        self._report = report
        self._unknown: Counter[str] = Counter()

    async def run(self) -> None:
        """Goes through all tokens. Raises ServiceUnavailable."""
        after: TokenKey = ("", "", 0, b"")
        while tokens := await self._tokens.tokens(after, TOKENS_AT_ONCE):
            await asyncio.to_thread(self._check_all, tokens)
            self._report.done(Part.TOKENS, "tokens", len(tokens))
            after = tokens[-1].key
        for authority, count in self._unknown.items():
            self._report.unchecked.append(
                f"signatures of {count:,} tokens: there is no authority {authority!r} in the settings"
            )

    def _check_all(self, tokens: Sequence[StoredToken]) -> None:
        for each in tokens:
            self._check(each)

    def _check(self, stored: StoredToken) -> None:
        if stored.note is None or stored.noted_at is None:
            self._found(Kind.TIMESTAMP_STRAY, stored, stored.note_digest.hex())
            return
        if stored.gen_time < stored.noted_at - ALLOWANCE:
            self._found(Kind.TIMESTAMP_TIME_WRONG, stored, "it is before its note")
        elif abs(stored.gen_time - stored.stored_at) > ALLOWANCE:
            self._found(Kind.TIMESTAMP_TIME_WRONG, stored, "it is not when it was stored")
        trust = self._authorities.get(stored.authority)
        if trust is None:
            self._unknown[stored.authority] += 1
            return
        try:
            checked = check_timestamp(stored.token, stored.note, trust)
        except EvidenceError as wrong:
            self._found(Kind.TIMESTAMP_WRONG, stored, wrong.detail)
            return
        if checked.gen_time != stored.gen_time:
            self._found(Kind.TIMESTAMP_TIME_WRONG, stored, "the token itself tells another")

    def _found(self, kind: Kind, stored: StoredToken, why: str) -> None:
        where = f"{stored.origin} token of {stored.authority} over {stored.size} leaves: {why}"
        self._report.found(Part.TOKENS, kind, where)

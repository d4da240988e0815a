"""Judges certificates: path and purpose first, then revocation of everything below the root, by lists and by
OCSP.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from cryptography import x509

from server.gateways.certificate_status.fetching import Fetcher
from server.gateways.certificate_status.judging import Finding, HeldList, Moment, judge_lists
from server.gateways.certificate_status.list_sources import FetchedLists, FileLists, held_in
from server.gateways.certificate_status.ocsp_source import Responders, judge_given
from server.gateways.certificate_status.path_checks import OTHERS, PathFinding, find_path, leads_to_root
from server.gateways.certificate_status.settings import Revocation
from server.gateways.citizen_trust import CitizenTrust, Trust
from server.usecases.certificate_status import (
    Check,
    CheckKind,
    Outcome,
    Proof,
    Purpose,
    StatusReport,
    Verdict,
)

GIVEN = 8
"""So many stapled answers, and so many lists, are looked at."""

_PATHS = 10_000
# What can't be told now may be told soon: a list of the next minute comes into force by itself.
_UNKNOWN_GOOD_FOR = timedelta(seconds=1)

_PathKey = tuple[int, bytes, Purpose]


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Given:
    """What came along with the certificate."""

    answers: Sequence[bytes]
    lists: tuple[HeldList, ...]


class CertificateChecker:
    """Implements `CertificateStatus` over the operator's files and, where the settings name hosts, over the
    authorities' servers.
    """

    def __init__(
        self,
        trust: CitizenTrust,
        settings: Revocation | None = None,
        *,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._trust = trust
        self._settings = settings or Revocation()
        self._now = now
        self._fetcher = Fetcher(self._settings.places)
        self._files = FileLists()
        self._fetched = FetchedLists(self._fetcher, self._settings)
        self._responders = Responders(self._fetcher, self._settings, now=now)
        self._paths: OrderedDict[_PathKey, PathFinding] = OrderedDict()

    async def open(self) -> None:
        """Reads the lists among the files, so that the first check needs not wait for them."""
        await self._files.of(await self._trust.current())

    async def close(self) -> None:
        """Gives up what is under way and ends the connections."""
        await self._files.close()
        await self._fetched.close()
        await self._responders.close()
        await self._fetcher.close()

    async def check(
        self,
        certificate: bytes,
        purpose: Purpose,
        at: datetime,
        *,
        others: Sequence[bytes] = (),
        answers: Sequence[bytes] = (),
        lists: Sequence[bytes] = (),
    ) -> StatusReport:
        """Judges the certificate (`CertificateStatus.check`)."""
        trust = await self._trust.current()
        moment = Moment(at, max(at, self._now()))
        found = await self._path(certificate, others[:OTHERS], trust, purpose, at)
        if found.verdict is not Verdict.GOOD:
            return self._without_revocation(found, purpose, moment)
        given = _Given(answers[:GIVEN], await self._lists_given(lists[:GIVEN]))
        # One after the other would add up the waiting for servers.
        findings = await asyncio.gather(
            *(
                self._revocation(one, issuer, found.path, trust, moment, given)
                for one, issuer in pairwise(found.path)
            )
        )
        return self._report(found, findings, purpose, moment)

    @property
    def generation(self) -> int:
        """Of the operator's files whose lists are gone by now; see `Trust.generation`."""
        return self._files.generation

    async def lists_about(self, path: Sequence[x509.Certificate]) -> tuple[HeldList, ...]:
        """Returns the lists that are known, and those that the path's certificates name.

        Anybody may make a path that names anything: only for one of authorities up to a citizen root is
        something fetched. Whether it was valid at a time is not asked.
        """
        trust = await self._trust.current()
        known = await self._files.of(trust)
        if not await asyncio.to_thread(leads_to_root, path, trust.roots):
            return known
        fetched = await asyncio.gather(*(self._fetched.of(one, path) for one in path[:-1]))
        return (*known, *(held for lists, _ in fetched for held in lists))

    async def _path(
        self, certificate: bytes, others: Sequence[bytes], trust: Trust, purpose: Purpose, at: datetime
    ) -> PathFinding:
        digest = hashlib.sha256(certificate)
        for der in others:
            digest.update(hashlib.sha256(der).digest())
        key = (trust.generation, digest.digest(), purpose)
        known = self._paths.get(key)
        if known is not None and known.begins <= at <= known.ends:
            self._paths.move_to_end(key)
            return known
        found = await asyncio.to_thread(
            find_path, certificate, others, trust.intermediates, trust.roots, purpose, at
        )
        # What depends on the time alone is remembered with its time; failures are rare and not remembered.
        if found.verdict is Verdict.GOOD:
            self._paths[key] = found
            while len(self._paths) > _PATHS:
                self._paths.popitem(last=False)
        return found

    async def _lists_given(self, lists: Sequence[bytes]) -> tuple[HeldList, ...]:
        if not lists:
            return ()
        return await asyncio.to_thread(held_in, lists, self._settings.longest_list)

    async def _revocation(
        self,
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        path: Sequence[x509.Certificate],
        trust: Trust,
        moment: Moment,
        given: _Given,
    ) -> list[Finding]:
        by_lists, lists = await self._by_lists(certificate, issuer, path, trust, moment, given)

        def is_good(responder: x509.Certificate) -> bool:
            return judge_lists(lists, responder, issuer, moment).outcome is Outcome.PASSED

        by_answers = judge_given(given.answers, certificate, issuer, moment, self._settings, is_good)
        url = self._responders.address_for(certificate)
        if url is not None and (by_answers is None or by_answers.outcome is Outcome.UNKNOWN):
            by_answers = await self._responders.ask(certificate, issuer, url, moment, is_good)
        return [by_lists] if by_answers is None else [by_lists, by_answers]

    async def _by_lists(
        self,
        certificate: x509.Certificate,
        issuer: x509.Certificate,
        path: Sequence[x509.Certificate],
        trust: Trust,
        moment: Moment,
        given: _Given,
    ) -> tuple[Finding, tuple[HeldList, ...]]:
        fetched, trouble = await self._fetched.of(certificate, path)
        lists = (*await self._files.of(trust), *fetched, *given.lists)
        if all(held.content.knows(issuer) for held in lists):
            finding = judge_lists(lists, certificate, issuer, moment)
        else:
            finding = await asyncio.to_thread(judge_lists, lists, certificate, issuer, moment)
        if finding.outcome is Outcome.UNKNOWN and trouble is not None:
            finding = Finding(CheckKind.LIST, Outcome.UNKNOWN, f"{finding.detail}; {trouble}")
        return finding, lists

    def _without_revocation(self, found: PathFinding, purpose: Purpose, moment: Moment) -> StatusReport:
        return StatusReport(
            verdict=found.verdict,
            purpose=purpose,
            at=moment.at,
            checked_at=moment.now,
            accepted=False,
            why=found.why,
            path=found.ders,
            checks=found.checks,
            proofs=(),
            revoked_since=None,
            revocation_reason=None,
            good_until=moment.at,
        )

    def _report(
        self, found: PathFinding, findings: Sequence[Sequence[Finding]], purpose: Purpose, moment: Moment
    ) -> StatusReport:
        made = [(number, one) for number, each in enumerate(findings) for one in each]
        revoked = [one for _, one in made if one.outcome is Outcome.FAILED]
        verdict, why = self._verdict(findings)
        soft = verdict is Verdict.UNKNOWN and purpose in self._settings.accept_unknown
        first = min(revoked, key=lambda one: one.since or moment.at, default=None)
        ends = [one.ends for _, one in made if one.ends is not None]
        return StatusReport(
            verdict=verdict,
            purpose=purpose,
            at=moment.at,
            checked_at=moment.now,
            accepted=verdict is Verdict.GOOD or soft,
            why=why,
            path=found.ders,
            checks=(*found.checks, *(Check(one.kind, n, one.outcome, one.detail) for n, one in made)),
            proofs=tuple(proof for n, one in made if (proof := _proof(n, one)) is not None),
            revoked_since=None if first is None else first.since,
            revocation_reason=None if first is None else first.reason,
            good_until=(
                moment.at + _UNKNOWN_GOOD_FOR
                if verdict is Verdict.UNKNOWN
                else min([found.ends, *ends, moment.now + self._settings.refresh])
            ),
        )

    def _verdict(self, findings: Sequence[Sequence[Finding]]) -> tuple[Verdict, str | None]:
        """Revoked if anybody says so of anything; unknown if of anything nobody says that it is not."""
        unknown: str | None = None
        for each in findings:
            for one in each:
                if one.outcome is Outcome.FAILED:
                    return Verdict.REVOKED, one.detail
            passed = [one for one in each if one.outcome is Outcome.PASSED]
            missing = [one for one in each if one.outcome is Outcome.UNKNOWN]
            if not passed or (self._settings.require == "all" and missing):
                unknown = unknown or "; ".join(one.detail for one in missing)
        return (Verdict.GOOD, None) if unknown is None else (Verdict.UNKNOWN, unknown)


def _proof(number: int, finding: Finding) -> Proof | None:
    if finding.der is None or finding.issued is None:
        return None
    return Proof(finding.kind, number, finding.der, finding.issued, finding.ends, finding.origin)

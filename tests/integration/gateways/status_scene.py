"""A country, its servers, and a checker over the operator's files, for tests of certificate status."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding

from server.gateways.certificate_status.checker import CertificateChecker
from server.gateways.certificate_status.fetching import Place
from server.gateways.certificate_status.settings import Revocation
from server.gateways.citizen_trust import CitizenFiles, CitizenTrust
from server.usecases.certificate_status import Check, CheckKind, Outcome, Purpose, StatusReport
from tests.integration.gateways.authorities import Country, Issued, make_list
from tests.integration.gateways.status_servers import HttpServer


def clock() -> datetime:
    return datetime.now(UTC)


class Scene:
    """Files of the operator: roots, authorities, lists; all change when they are written."""

    def __init__(self, directory: Path, http: HttpServer) -> None:
        self.directory = directory
        self.http = http
        self.country = Country()
        self.lists = directory / "lists"
        self.lists.mkdir()
        self.write_authorities(self.country.root, (self.country.policy, self.country.government))
        self.put_list("root", make_list(self.country.root))
        self.put_list("policy", make_list(self.country.policy))
        self.checkers: list[CertificateChecker] = []

    def write_authorities(self, root: Issued, others: Sequence[Issued]) -> None:
        (self.directory / "roots.pem").write_bytes(_pem([root]))
        (self.directory / "others.pem").write_bytes(_pem(others))

    def put_list(self, name: str, der: bytes) -> None:
        written = self.lists / f"{name}.new"
        written.write_bytes(der)
        written.rename(self.lists / f"{name}.crl")

    def government_list(self, *entries: Any, **choices: Any) -> bytes:
        return make_list(self.country.government, tuple(entries), **choices)

    def checker(
        self, *urls: str, now: Callable[[], datetime] | None = None, **choices: Any
    ) -> CertificateChecker:
        """A checker that may ask this scene's HTTP server, and the places of these addresses."""
        places = {Place("127.0.0.1", self.http.port)}
        places |= {Place("127.0.0.1", urlsplit(url).port or 80) for url in urls}
        files = CitizenFiles(self.directory / "roots.pem", self.directory / "others.pem", self.lists)
        settings = replace(Revocation(places=frozenset(places)), **choices)
        checker = CertificateChecker(CitizenTrust(files, poll_seconds=0), settings, now=now or clock)
        self.checkers.append(checker)
        return checker

    async def close(self) -> None:
        for checker in self.checkers:
            await checker.close()


async def checked(
    checker: CertificateChecker,
    person: Issued,
    at: datetime | None = None,
    purpose: Purpose = Purpose.AUTHENTICATION,
    **given: Any,
) -> StatusReport:
    return await checker.check(person.der, purpose, at or clock(), **given)


def check_of(report: StatusReport, kind: CheckKind, certificate: int = 0) -> Check:
    (found,) = [one for one in report.checks if (one.kind, one.certificate) == (kind, certificate)]
    return found


def outcome(report: StatusReport, kind: CheckKind, certificate: int = 0) -> Outcome:
    return check_of(report, kind, certificate).outcome


def _pem(issued: Sequence[Issued]) -> bytes:
    return b"".join(one.certificate.public_bytes(Encoding.PEM) for one in issued)

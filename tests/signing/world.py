"""Who signs in the tests of signatures, whom the verifier trusts, and what it knows of revocation."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from namak.evidence.certificate import CertificateNaming
from namak.signatures.report import Check, CheckId, CheckResult, Finding, Report, SignatureReport
from namak.signatures.trust import PartyNaming, RevocationMaterial, Trust, TrustPolicy
from namak.signatures.verify import BytesDocument, verify
from tests.signing.authority import NOW, POLICY, SIGNING, STAMPING, Authority, Holder, Kind, named
from tests.signing.stamping import StampingAuthority

DOCUMENT = "Որոշում № 17. Քաղաքացու դիմումը բավարարել։\n".encode()
SIGNED = NOW - timedelta(hours=2)


@dataclass
class World:
    """A national root, a policy authority below it, and below that the authority of signers (SIGN-4)."""

    root: Authority = field(default_factory=lambda: Authority("National Root"))
    policy: Authority = field(init=False)
    issuing: Authority = field(init=False)
    stamps: Authority = field(init=False)
    aram: Holder = field(init=False)

    def __post_init__(self) -> None:
        self.policy = Authority("Policy Authority", self.root)
        self.issuing = Authority("E-Government Authority", self.policy)
        self.stamps = Authority("Time Authority", self.root)
        self.aram = self.issuing.issue()

    def crls(self, at: datetime = NOW - timedelta(hours=1), days: int = 7) -> tuple[bytes, ...]:
        """Lists of all authorities with nobody on them."""
        return tuple(
            each.crl(at=at, days=days) for each in (self.root, self.policy, self.issuing, self.stamps)
        )

    def trust(self, *, crls: tuple[bytes, ...] | None = None, ocsps: tuple[bytes, ...] = ()) -> Trust:
        policy = TrustPolicy(
            name="am citizens",
            roots=(self.root.der,),
            namings=(PartyNaming(CertificateNaming()),),
            certificate_policies={POLICY: "qualified"},
        )
        lists = self.crls() if crls is None else crls
        return Trust((policy,), revocation=RevocationMaterial(lists, ocsps))

    def authority_of_time(self, time: datetime, kind: Kind = STAMPING) -> StampingAuthority:
        return StampingAuthority(self.stamps.issue(named("Time Stamping Unit"), kind), time)

    def signer(self, kind: Kind = SIGNING) -> Holder:
        return self.issuing.issue(kind=kind)


def judged(document: bytes, signature: bytes | None, trust: Trust, now: datetime = NOW) -> Report:
    return verify(BytesDocument(document), signature, trust, now)


def only(report: Report) -> SignatureReport:
    (signature,) = report.signatures
    return signature


def checks_of(report: Report) -> Mapping[CheckId, Check]:
    return {check.id: check for check in (*report.checks, *only(report).checks)}


def found(report: Report, check: CheckId) -> tuple[CheckResult, Finding | None]:
    one = checks_of(report)[check]
    return one.result, one.finding


def not_passed(report: Report) -> set[CheckId]:
    return {check.id for check in only(report).checks if check.result is not CheckResult.PASSED}


def trusting(trust: Trust, **changes: object) -> Trust:
    """Returns the trust with something of its one policy changed."""
    (policy,) = trust.policies
    return replace(trust, policies=(replace(policy, **changes),))  # type: ignore[arg-type]

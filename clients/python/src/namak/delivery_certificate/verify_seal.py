"""Judges a certificate's seal: who put it on, whether it holds, and whether anything was altered since."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from namak.delivery_certificate.additions.whole import hides_seal, is_altered
from namak.evidence.report import Check, Outcome
from namak.evidence.times import end_of_stated, stated_time
from namak.signatures import verify as signatures
from namak.signatures.report import (
    CheckId,
    CheckResult,
    Finding,
    SignatureKind,
    SignatureReport,
    SubIndication,
    TimeBasis,
    Verdict,
)
from namak.signatures.trust import Trust, TrustPolicy

_UNKNOWN: Final = frozenset(
    {SubIndication.NO_CERTIFICATE_CHAIN_FOUND, SubIndication.NO_SIGNING_CERTIFICATE_FOUND}
)
_ALTERED: Final = frozenset({Finding.COVERS_PART, Finding.CHANGED_FORBIDDEN, Finding.DIGEST_DIFFERS})

_MADE_WRONG: Final = frozenset({*_ALTERED, Finding.TIMESTAMP_WRONG, Finding.MALFORMED})
_BESIDE: Final = frozenset({CheckId.IDENTITY, CheckId.QUALIFICATION})

_SINCE: Final = "the seal does not hold: the file was altered after it was sealed"
_DAMAGED: Final = "the seal does not hold: it is damaged, or the file was altered after it was sealed"
_HIDDEN: Final = "the seal does not hold: the file was altered so that its seal is hidden"
ALTERED: Final = (_SINCE, _DAMAGED, _HIDDEN)
"""What is said where the file may be another one than was sealed."""

_BROKEN: Final[Mapping[SubIndication, str]] = {
    SubIndication.SIG_CRYPTO_FAILURE: (
        "the seal does not hold: it was not made with the key of its certificate"
    ),
    SubIndication.REVOKED: "the seal does not hold: its certificate was revoked",
    SubIndication.EXPIRED: "the seal does not hold: its certificate had expired when it was put on",
    SubIndication.NOT_YET_VALID: (
        "the seal does not hold: its certificate was not in force yet when it was put on"
    ),
}


def judged_seal(
    data: bytes, roots: Sequence[bytes], stamping: Sequence[bytes], now: datetime
) -> tuple[Check, bool]:
    """Returns what the seal is, and whether one has a timestamp.

    ``roots`` (DER) are the authorities that the verifier trusts for seals, ``stamping`` those for timestamps:
    where there are none, the former. ``now`` is the time to judge at. Never raises over what is in the file.
    """
    policies = (TrustPolicy("seal", tuple(roots)),) if roots else ()
    trust = Trust(policies, tuple(stamping) or None)
    report = signatures.verify(signatures.BytesDocument(data), None, trust, now)
    seals = [each for each in report.signatures if each.kind is SignatureKind.PDF]
    if hides_seal(data):
        return _failed(_HIDDEN), False
    if seals:
        stamped = any(each.timestamps for each in seals)
        stamps = [each for each in report.signatures if each not in seals]
        if any(check.finding in _MADE_WRONG for each in stamps for check in each.checks):
            return _failed(_SINCE), stamped
        found = [_judged(each, data, stamps) for each in seals]
        return next((each for each in found if each.outcome is Outcome.FAILED), found[0]), stamped
    if report.signatures or any(check.finding is not Finding.NO_SIGNATURE for check in report.checks):
        return _failed(_DAMAGED), False
    return Check("seal", Outcome.NOT_GIVEN, "the file has no seal; the proofs hold without one"), False


def _judged(seal: SignatureReport, data: bytes, stamps: Sequence[SignatureReport]) -> Check:
    name = _name(seal)
    if seal.verdict is Verdict.INVALID:
        if any(check.finding in _ALTERED for check in seal.checks):
            return _failed(_SINCE)
        assert seal.sub_indication is not None
        return _failed(_BROKEN.get(seal.sub_indication, _DAMAGED))
    if (seal.pdf is None or not seal.pdf.covers_whole_file) and is_altered(data):
        return _failed(_SINCE)
    if seal.sub_indication in _UNKNOWN:
        words = f"sealed by {name}, whom you did not name as trusted; the file was not altered since"
        return Check("seal", Outcome.NOT_GIVEN, words)
    if seal.sub_indication is None and seal.time_basis is TimeBasis.TIMESTAMP:
        # All that a verifier went by stands in the file: none is brought along.
        authority = next(stamp.authority for stamp in seal.timestamps if stamp.time == seal.used_time)
        time = stated_time(end_of_stated(seal.used_time))
        if (latest := _stamped_anew(seal, stamps)) is not None:
            words = (
                f"sealed by {name}, whom you trust, before {time} according to {authority}; the file was not "
                "altered since, and holds what verifies the seal once its certificate has expired; stamped "
                f"anew {stated_time(latest.used_time)} according to {_name(latest)}"
            )
        else:
            words = (
                f"sealed by {name}, whom you trust, before {time} according to {authority}; the file was not "
                "altered since, and holds what verifies the seal once its certificate has expired"
            )
        return Check("seal", Outcome.PASSED, words)
    if seal.sub_indication is None:
        return Check(
            "seal", Outcome.PASSED, f"sealed by {name}, whom you trust; the file was not altered since"
        )
    if seal.sub_indication is SubIndication.TRY_LATER:
        words = (
            f"sealed by {name}, whom you trust; the file does not tell whether the certificate was revoked"
        )
        return Check("seal", Outcome.PASSED, words)
    if _lacks_time_alone(seal):
        words = (
            f"sealed by {name}, whom you trust; the file was not altered since; who stamped the seal's time "
            "you did not name as trusted"
        )
        return Check("seal", Outcome.PASSED, words)
    return Check("seal", Outcome.NOT_GIVEN, _open(name, seal.sub_indication))


def _stamped_anew(seal: SignatureReport, stamps: Sequence[SignatureReport]) -> SignatureReport | None:
    """Returns the latest document timestamp that counts (B-LTA), if it is another than the seal's time."""
    later = [each for each in stamps if each.verdict is Verdict.VALID and each.used_time > seal.used_time]
    return max(later, key=lambda each: each.used_time, default=None)


def _lacks_time_alone(seal: SignatureReport) -> bool:
    """Tells whether all holds now, and only the timestamp is by somebody whom the verifier did not name."""
    return all(
        check.result is CheckResult.PASSED
        or (check.id in _BESIDE and check.result is CheckResult.NOT_CHECKED)
        or (check.id is CheckId.TIMESTAMP and check.finding is Finding.TIMESTAMP_UNTRUSTED)
        for check in seal.checks
    )


def _open(name: str, why: SubIndication) -> str:
    """Returns why a seal that is not broken does not count, in words."""
    match why:
        case SubIndication.SIG_CONSTRAINTS_FAILURE | SubIndication.CHAIN_CONSTRAINTS_FAILURE:
            return f"sealed by {name}, but the seal does not count: its certificate is not one for seals"
        case SubIndication.CRYPTO_CONSTRAINTS_FAILURE:
            return f"sealed by {name}, but the seal does not count: its algorithms or keys are too weak"
        case SubIndication.REVOKED_NO_POE:
            return (
                f"sealed by {name}, but the seal does not count: its certificate was revoked, and no"
                " timestamp that you trust shows that it was put on before"
            )
        case SubIndication.OUT_OF_BOUNDS_NO_POE:
            return (
                f"sealed by {name}, but the seal does not count: its certificate is out of date, and no"
                " timestamp that you trust shows that it was put on before"
            )
    return f"sealed by {name}, but whether the seal counts can't be told from what the file holds"


def _failed(words: str) -> Check:
    return Check("seal", Outcome.FAILED, words)


def _name(seal: SignatureReport) -> str:
    if seal.chain:
        return seal.chain[0].name
    return "somebody" if seal.signer is None else seal.signer.name

"""What the constants of a report mean, in five languages.

The texts in the code are English; the others are those of the catalogues beside it, which ``scripts/texts``
keeps (POST-11).
"""

import gettext
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from namak.signatures.report import (
    Check,
    CheckId,
    CheckResult,
    Finding,
    Report,
    RevocationStatus,
    TimeBasis,
    Verdict,
)
from namak.signatures.unjudged import nothing_to_judge

LANGUAGES: Final = ("hy", "ru", "en", "kk", "az")
"""The languages of these texts; the code's own is English."""


def N_(text: str) -> str:  # noqa: N802 - the name that catalogues' tools know
    """Marks a text for the catalogue."""
    return text


VERDICTS: Final[Mapping[Verdict, str]] = MappingProxyType(
    {
        Verdict.VALID: N_("VALID. Every check that a signature must pass was made, and passed."),
        Verdict.INVALID: N_("INVALID. Do not rely on it: see what failed."),
        Verdict.INDETERMINATE: N_("INDETERMINATE. It is neither proven nor disproven: see what is open."),
    }
)

NOTHING_JUDGED: Final[Mapping[Finding, str]] = MappingProxyType(
    {
        Finding.NO_SIGNATURE: N_("NOT SIGNED. There is no signature in the file."),
        Finding.UNKNOWN_FORMAT: N_("NOT A SIGNATURE. There is nothing in the file to verify."),
        Finding.EMPTY: N_("NOT A SIGNATURE. There is nothing in the file to verify."),
        Finding.UNREADABLE: N_("NOT READ. No signature was judged: see why."),
        Finding.ENCRYPTED: N_("NOT READ. No signature was judged: see why."),
        Finding.TOO_DEMANDING: N_("NOT READ. No signature was judged: see why."),
    }
)
"""Instead of the verdict, where no signature could be looked at."""

RESULTS: Final[Mapping[CheckResult, str]] = MappingProxyType(
    {
        CheckResult.PASSED: N_("passed"),
        CheckResult.FAILED: N_("FAILED"),
        CheckResult.NOT_CHECKED: N_("open"),
    }
)

CHECKS: Final[Mapping[CheckId, str]] = MappingProxyType(
    {
        CheckId.FORMAT: N_("The file can be read and holds a signature"),
        CheckId.STRUCTURE: N_("The signature is complete and well formed"),
        CheckId.SIGNING_CERTIFICATE: N_("The signature names its signer's certificate"),
        CheckId.DOCUMENT_DIGEST: N_("The document is the one that was signed"),
        CheckId.SIGNATURE_VALUE: N_("The signature was made with the certificate's key"),
        CheckId.ALGORITHMS: N_("The algorithms and the key are strong enough"),
        CheckId.COVERAGE: N_("The signature covers all of its version of the file"),
        CheckId.MODIFICATIONS: N_("After signing, nothing was changed that must not be"),
        CheckId.CHAIN: N_("The certificate leads to a trusted authority"),
        CheckId.KEY_USAGE: N_("The certificate is for signing documents"),
        CheckId.IDENTITY: N_("The certificate names a person or an entity"),
        CheckId.QUALIFICATION: N_("The certificate is of a qualified kind"),
        CheckId.TIMESTAMP: N_("A trusted timestamp proves when it was signed"),
        CheckId.SIGNING_TIME: N_("The time that the signer claims is possible"),
        CheckId.VALIDITY: N_("The certificates were in force at that time"),
        CheckId.REVOCATION: N_("The certificates were not revoked at that time"),
    }
)

FINDINGS: Final[Mapping[Finding, str]] = MappingProxyType(
    {
        Finding.NO_SIGNATURE: N_("The file holds no signature of a person or entity."),
        Finding.UNKNOWN_FORMAT: N_("The file is neither a PDF nor a CMS signature."),
        Finding.EMPTY: N_("The file is empty."),
        Finding.UNREADABLE: N_("The PDF is damaged and cannot be read with certainty."),
        Finding.ENCRYPTED: N_("The PDF is encrypted; verify it after decryption by its owner's program."),
        Finding.TOO_DEMANDING: N_("The file is too large or takes too much to read, and was not judged."),
        Finding.CONTENT_MISSING: N_(
            "The signature is detached: give the document that it belongs to as well."
        ),
        Finding.MALFORMED: N_(
            "The signature is damaged or does not have the form that the standard demands."
        ),
        Finding.SEVERAL_SIGNERS: N_("A signature in a PDF must have exactly one signer."),
        Finding.NO_SIGNED_ATTRIBUTES: N_(
            "The signature has no signed attributes, so nothing ties it to its certificate."
        ),
        Finding.CERTIFICATE_MISSING: N_("The signer's certificate is neither in the signature nor given."),
        Finding.CERTIFICATE_NOT_NAMED: N_(
            "What is signed does not name the certificate: another one of the same key could take its place."
        ),
        Finding.CERTIFICATE_SUBSTITUTED: N_("The signature was made for another certificate than this one."),
        Finding.DIGEST_DIFFERS: N_("The document was changed, or is another one than was signed."),
        Finding.EMBEDDED_CONTENT_DIFFERS: N_(
            "The signature holds a document inside, and it is another one than the one given."
        ),
        Finding.VALUE_WRONG: N_(
            "The signature's value does not fit the certificate's key: it is forged or damaged."
        ),
        Finding.ALGORITHMS_CONTRADICT: N_(
            "The algorithms that the signature names contradict each other or the key."
        ),
        Finding.ALGORITHM_UNKNOWN: N_("The algorithm {algorithm} is not known here, so nothing can be said."),
        Finding.ALGORITHM_WEAK: N_(
            "The algorithm {algorithm} is no longer secure: others could have made this."
        ),
        Finding.KEY_WEAK: N_("The key is too weak: others could have made this."),
        Finding.COVERS_PART: N_("The signature covers only a part: the rest could be anything."),
        Finding.UNCHANGED: N_("The file is as it was when it was signed."),
        Finding.CHANGED_PERMITTED: N_(
            "The file was changed later in ways that are permitted: forms, further signatures, timestamps."
        ),
        Finding.CHANGED_FORBIDDEN: N_(
            "After signing, the file was changed so that it may show something else."
        ),
        Finding.NO_ROOTS: N_("No trusted authorities were named, so nobody vouches for the signer."),
        Finding.CHAIN_NOT_FOUND: N_("No path to a trusted authority was found; it ends at {certificate}."),
        Finding.CHAIN_SELF_MADE: N_("The chain ends at {certificate}, which nobody trusted vouches for."),
        Finding.CHAIN_UNSOUND: N_(
            "The chain breaks a rule: a certificate in it must not vouch for the next."
        ),
        Finding.CHAIN_WEAK: N_("A certificate of the chain is signed or keyed too weakly."),
        Finding.NOT_FOR_SIGNING: N_(
            "The certificate is not for signing documents, perhaps only for signing in."
        ),
        Finding.AUTHORITY_CERTIFICATE: N_(
            "The certificate is an authority's; authorities do not sign documents."
        ),
        Finding.NO_ONE_NAMED: N_("The certificate names nobody in the form that {policy} prescribes."),
        Finding.NAMING_NOT_GIVEN: N_(
            "No rule was given for how certificates name people; see the name itself."
        ),
        Finding.QUALIFIED: N_("It is issued under the policy {policy}."),
        Finding.NOT_QUALIFIED: N_("It is under none of the qualified policies of {policy}."),
        Finding.POLICIES_NOT_GIVEN: N_("It was not said which policies are qualified."),
        Finding.NO_TIMESTAMP: N_("There is no timestamp; the time of this verification counts instead."),
        Finding.TIMESTAMP_WRONG: N_(
            "The timestamp of {time} belongs to something else or is damaged; it does not count."
        ),
        Finding.TIMESTAMP_UNTRUSTED: N_(
            "The timestamp of {time} by {authority} does not count: its authority is not proven trustworthy."
        ),
        Finding.NO_CLAIMED_TIME: N_("The signer claims no time."),
        Finding.CLAIMED_AFTER_PROOF: N_(
            "The signer claims {claimed}, which is after {time}, when it already existed."
        ),
        Finding.EXPIRED_WITHOUT_PROOF: N_(
            "The certificates ended on {ends}, and no timestamp proves that it was signed before."
        ),
        Finding.SIGNED_AFTER_EXPIRY: N_(
            "By its own word it was signed at {time}, after the certificates' end on {ends}."
        ),
        Finding.NOT_YET_IN_FORCE: N_(
            "The certificates are in force only from {begins}; it existed at {time}."
        ),
        Finding.REVOKED_BEFORE_SIGNING: N_(
            "By its own word it was signed after {certificate} was revoked on {revoked}."
        ),
        Finding.REVOKED_WITHOUT_PROOF: N_(
            "{certificate} was revoked on {revoked}, and no timestamp proves that it was signed before."
        ),
        Finding.REVOKED_SINCE: N_(
            "{certificate} was revoked on {revoked}, after it was signed; that does no harm."
        ),
        Finding.NO_ANSWER: N_("Nothing at hand says whether {certificate} was revoked."),
        Finding.ANSWER_STALE: N_("The newest answer about {certificate} is of {answer}, which is too old."),
        Finding.ANSWER_AFTER_EXPIRY: N_(
            "The answer about {certificate} is of {answer}, after its end, when lists may leave it out."
        ),
        Finding.NOT_REACHED: N_("It was not looked at, since what it needs is missing."),
    }
)

STATUSES: Final[Mapping[RevocationStatus, str]] = MappingProxyType(
    {
        RevocationStatus.GOOD: N_("not revoked"),
        RevocationStatus.REVOKED: N_("REVOKED"),
        RevocationStatus.REVOKED_SINCE: N_("revoked only later"),
        RevocationStatus.UNKNOWN: N_("revocation unknown"),
        RevocationStatus.NOT_NEEDED: N_("trusted root"),
    }
)

BASES: Final[Mapping[TimeBasis, str]] = MappingProxyType(
    {
        TimeBasis.TIMESTAMP: N_("proven by a timestamp"),
        TimeBasis.VERIFICATION: N_("the time of this verification"),
    }
)


class Words:
    """The words of one language; English for one that is not spoken."""

    def __init__(self, language: str) -> None:
        self._catalogue = _catalogue(language)

    def __call__(self, text: str) -> str:
        """Returns a text of this package in the language."""
        return self._catalogue.gettext(text)

    def check(self, check: Check) -> str:
        """Returns what a check found; empty where it found nothing worth a sentence."""
        if check.finding is None:
            return ""
        facts = {name: _shown(value) for name, value in check.facts}
        return self(FINDINGS[check.finding]).format_map(_Facts(facts))


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "?"


def verdict_text(report: Report) -> str:
    """Returns what a report comes to, for the catalogue: its verdict, or that there was nothing to judge."""
    nothing = nothing_to_judge(report)
    return VERDICTS[report.verdict] if nothing is None else NOTHING_JUDGED[nothing]


def shown_time(time: datetime) -> str:
    """Returns a time as reports write it, the same in every language."""
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _shown(value: str) -> str:
    try:
        return shown_time(datetime.fromisoformat(value)) if "T" in value else value
    except ValueError:
        return value


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    place = Path(__file__).parent / "locale"
    return gettext.translation("namak-signatures", place, [language], fallback=True)

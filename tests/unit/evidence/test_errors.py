"""Errors: a constant reason each, and a text."""

from namak.evidence import errors
from namak.evidence.errors import EvidenceError


def test_every_error_has_a_reason_of_its_own() -> None:
    classes = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EvidenceError)
    ]
    reasons = [kind.reason for kind in classes]
    assert len(classes) > 10
    assert len(set(reasons)) == len(reasons)
    assert all(reason == reason.upper() and reason.replace("_", "").isalpha() for reason in reasons)


def test_an_error_says_what_was_wrong() -> None:
    error = errors.MalformedNote("a note is not UTF-8")
    assert (error.reason, error.detail, str(error)) == (
        "MALFORMED_NOTE",
        "a note is not UTF-8",
        "a note is not UTF-8",
    )

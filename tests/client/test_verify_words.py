"""Whatever the verifier may say of a receipt is said in the command's languages."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from namak.cli.texts import speaking
from namak.cli.verify_words import CHECKS, WORDS, said, template_of
from namak.delivery_certificate import verify as certificates
from namak.evidence import verify

SOURCES = [
    source
    for verifier in (verify.__file__, certificates.__file__)
    for source in sorted(Path(verifier).parent.glob("verify*.py"))
]

# What the verifier puts together itself, as an example of each.
EXAMPLES = {
    "said": "recorded at 2026-11-22T06:00:00Z, as the operator says; in the log before 2026-11-22T06:00:05Z"
    " according to court, 5 s",
    "recorded": "recorded at 2026-11-22T06:00:00Z, as the operator says",
    "what": "ReadingConfirmed: at 2026-11-22T06:00:00Z",
    "message": "message 0192 from a@src.am to 1@e-citizen.am",
    "notified": "1@e-citizen.am is properly notified of message 0192 from a@src.am to 1@e-citizen.am",
    "operator": "OutageBegan: at 2026-11-22T06:00:00Z the operator",
    "limits": "2026-11-22T06:00:00Z to 2026-11-22T07:00:00Z",
    "where": " from 198.51.100.7",
    "why": "; the receipt of its ContentConsignment is missing",
    "'after' if lead > 0 else 'before'": "after",
}
# Sentences that stand inside others only, and what programmers are told.
INSIDE = (
    "recorded at X, as the operator says",
    "recorded at 2026-11-22T06:00:00Z, as the operator says; in the log before X according to X, X s",
    "it states a time yet to come",
    "second X",
    "X X",
    "X: at X",
    "message X from X to X",
    " from X",
    "X is properly notified of message 0192 from a@src.am to 1@e-citizen.am",
    "the operator",
    "X, administrator of X,",
    "X, holder of a mailbox or applicant for one,",
    "somebody at the server's command line",
    "a clerk",
    "the server by itself",
    "X to X",
    "; the receipt of its X is missing",
    ", ",
    "statement time",
    "X: at X the operator",
    "the words on it are of a later version",
    "X#X",
    "XX/X",
    "the receipt does not hold a confirmation",
    "the receipt holds no fact about a message",
    "the receipt does not hold an effect",
    "the receipt does not hold a withdrawal",
    "the receipt does not hold evidence of a letter on paper",
)


def sentences(source: Path) -> Iterator[str]:
    """Yields every text with a space in it that the source may say, with something in place of its values."""
    tree = ast.parse(source.read_text("utf-8"))
    passed_over = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and isinstance(node.body[0], ast.Expr)
    }
    passed_over |= {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed_over |= {id(inside) for inside in ast.walk(node) if inside is not node}
    for node in ast.walk(tree):
        if id(node) in passed_over:
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(
                str(part.value)
                if isinstance(part, ast.Constant)
                else EXAMPLES.get(ast.unparse(part.value), "X")
                for part in node.values
                if isinstance(part, ast.Constant | ast.FormattedValue)
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value


SAID = [text for source in SOURCES for text in sentences(source) if text not in INSIDE]


def test_the_sources_are_looked_through() -> None:
    assert len(SOURCES) == 11
    assert len(SAID) > 55


@pytest.mark.parametrize("text", SAID)
def test_every_sentence_of_the_verifier_has_its_template(text: str) -> None:
    assert template_of(text) is not None


def test_no_template_is_left_over() -> None:
    others = {
        "under {policy} the {event} has no such effect",
    }
    assert set(WORDS) - {template_of(text) for text in SAID} - others == set()


def test_every_check_has_its_name() -> None:
    named = {
        argument.value
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("passed", "failed", "note", "settle")
        and isinstance(argument := node.args[0], ast.Constant)
    }
    assert {*named, "consignment", "access"} == set(CHECKS)


def test_a_sentence_keeps_what_it_tells_of() -> None:
    with speaking("ru"):
        assert said("the signer is the recipient: 5001950015") == "подписавший — получатель: 5001950015"
        assert said("the statement is about another delivery; the statement names another sender") == (
            "заявление — о другой доставке; в заявлении назван другой отправитель"
        )
        assert said("something nobody thought of") == "something nobody thought of"
    with speaking("en"):
        assert said("the signer is the recipient: 5001950015") == "the signer is the recipient: 5001950015"


@pytest.mark.parametrize("language", ["hy", "ru", "en", "kk", "az"])
def test_clocks_apart_are_told_in_every_language(language: str) -> None:
    first, last = "2026-11-22T06:00:00Z", "2026-11-22T07:00:00Z"
    english = (
        f"3 independent times stand over it, up to 3600 s apart: from {first} according to court, which "
        f"decides, to {last} according to bar"
    )
    with speaking(language):
        told = said(english)
    assert (told == english) is (language == "en")
    assert all(value in told for value in ("3", "3600", first, "court", last, "bar"))
    assert told.index(first) < told.index(last)

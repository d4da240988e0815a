"""`namak verify-signature`: what it says of signatures, by which exit code it ends, and what it takes."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from namak.client import Connection
from namak.client.signing import sign_cms, sign_pdf
from namak.v1 import signature_pb2
from tests.client.conftest import Namak
from tests.client.office import Office
from tests.signing import files
from tests.signing.authority import DAY, NOW, person
from tests.signing.world import DOCUMENT, SIGNED, World

VALID, INVALID, OPEN, FILE, USAGE = 0, 4, 8, 6, 2


@dataclass(frozen=True)
class Place:
    """Files that a verifier has: roots, lists, a document and its signature."""

    directory: Path
    world: World

    def write(self, name: str, content: bytes) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    @property
    def trust(self) -> list[object]:
        """The options that name roots and lists."""
        root = self.write("roots.pem", self.world.root.certificate.public_bytes(Encoding.PEM))
        lists = [self.write(f"list{number}.crl", der) for number, der in enumerate(self.world.crls())]
        return ["--roots", root, *(each for path in lists for each in ("--crl", path))]


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture
def place(tmp_path: Path, world: World) -> Place:
    return Place(tmp_path / "desk", world)


def test_a_signed_pdf_is_told_as_valid_with_who_signed(namak: Namak, place: Place, world: World) -> None:
    signed = place.write("signed.pdf", sign_pdf(files.pdf(), world.aram.signer, at=SIGNED))

    run = namak(None, "verify-signature", signed, *place.trust)

    assert run.code == VALID, run.err
    assert "VALID. Every check" in run.out
    assert "Արամ Պետրոսյան" in run.out
    assert "PNOAM 5001950015" in run.out
    assert "passed  The certificate leads to a trusted authority" in run.out


@pytest.mark.parametrize("armoured", [False, True], ids=["DER", "PEM"])
def test_a_detached_signature_is_named_or_found_beside(
    namak: Namak, place: Place, world: World, armoured: bool
) -> None:
    cms = sign_cms(DOCUMENT, world.aram.signer, at=SIGNED)
    if armoured:
        cms = files.openssl("cms", "-cmsout", "-inform", "DER", "-outform", "PEM", given=cms).stdout
    document = place.write("letter.txt", DOCUMENT)
    elsewhere = place.write("elsewhere/letter.p7s", cms)

    alone = namak(None, "verify-signature", document, *place.trust)
    named = namak(None, "verify-signature", document, "--signature", elsewhere, *place.trust)
    place.write("letter.txt.p7s", cms)
    beside = namak(None, "verify-signature", document, *place.trust)

    assert (alone.code, named.code, beside.code) == (FILE, VALID, VALID), named.out
    assert "neither a PDF nor a CMS" in alone.out
    assert "name the signature by --signature" in alone.err


def test_a_changed_document_ends_with_the_code_of_failed_verification(
    namak: Namak, place: Place, world: World
) -> None:
    document = place.write("letter.txt", DOCUMENT + b"x")
    place.write("letter.txt.p7s", sign_cms(DOCUMENT, world.aram.signer, at=SIGNED))

    run = namak(None, "verify-signature", document, *place.trust, "--json")

    assert run.code == INVALID
    assert (run.document["verdict"], run.document["sub_indication"]) == ("INVALID", "HASH_FAILURE")
    assert run.document["signatures"][0]["signer"]["number"] == "5001950015"


def test_without_roots_it_is_open_and_says_what_is_missing(namak: Namak, place: Place, world: World) -> None:
    signed = place.write("signed.pdf", sign_pdf(files.pdf(), world.aram.signer, at=SIGNED))

    run = namak(None, "verify-signature", signed)

    assert run.code == OPEN
    assert "You named nobody whom you trust" in run.err
    assert "INDETERMINATE" in run.out


def test_roots_in_directories_are_policies_that_the_report_names(
    namak: Namak, place: Place, world: World
) -> None:
    signed = place.write("signed.pdf", sign_pdf(files.pdf(), world.aram.signer, at=SIGNED))
    place.write("trusted/others/other.der", World().root.der)
    place.write("trusted/citizens of am/root.der", world.root.der)
    place.write("trusted/readme.txt", b"not a certificate")

    run = namak(
        None, "verify-signature", signed, *place.trust[2:], "--roots", place.directory / "trusted", "--json"
    )

    assert run.code == VALID
    assert run.document["signatures"][0]["trust_policy"] == "citizens of am"


def test_an_ocsp_answer_and_missing_certificates_can_be_given(
    namak: Namak, place: Place, world: World
) -> None:
    holder = world.aram
    cms = sign_cms(DOCUMENT, replace(holder.signer, chain=()), at=SIGNED)
    document = place.write("letter.txt", DOCUMENT)
    place.write("letter.txt.p7s", cms)
    chain = place.write("chain.pem", b"".join(one.public_bytes(Encoding.PEM) for one in holder.chain))
    above = [place.write("root.crl", world.crls()[0]), place.write("policy.crl", world.crls()[1])]
    answer = place.write("answer.ocsp", world.issuing.response(holder))
    roots = place.write("roots.pem", world.root.certificate.public_bytes(Encoding.PEM))
    given = ["--roots", roots, *(each for path in above for each in ("--crl", path)), "--ocsp", answer]

    without = namak(None, "verify-signature", document, *given)
    together = namak(None, "verify-signature", document, *given, "--certificates", chain)

    assert (without.code, together.code) == (OPEN, VALID), together.out
    assert "by OCSP of" in together.out


def test_it_judges_for_the_time_that_is_named(namak: Namak, place: Place, world: World) -> None:
    signed = place.write("signed.pdf", sign_pdf(files.pdf(), world.aram.signer, at=SIGNED))
    later = (NOW + 400 * DAY).isoformat()

    run = namak(None, "verify-signature", signed, *place.trust, "--at", later)

    assert run.code == OPEN
    assert "no timestamp proves that it was signed before" in " ".join(run.out.split())


@pytest.mark.parametrize(
    ("language", "words"),
    [("hy", "ՎԱՎԵՐ"), ("ru", "ДЕЙСТВИТЕЛЬНА"), ("kk", "ЖАРАМДЫ"), ("az", "ETİBARLIDIR")],
)
def test_the_report_speaks_the_language_asked_for(
    namak: Namak, place: Place, world: World, language: str, words: str
) -> None:
    signed = place.write("signed.pdf", sign_pdf(files.pdf(), world.aram.signer, at=SIGNED))

    run = namak(None, "verify-signature", signed, *place.trust, "--language", language)

    assert run.code == VALID
    assert words in run.out


def test_wrong_usage_is_told_before_anything_is_judged(namak: Namak, place: Place, world: World) -> None:
    signed = place.write("signed.pdf", sign_pdf(files.pdf(), world.aram.signer, at=SIGNED))
    empty = place.directory / "empty"
    empty.mkdir()
    garbage = place.write("garbage.pem", b"no certificate")

    assert namak(None, "verify-signature", signed, "--language", "fr").code == USAGE
    assert namak(None, "verify-signature", signed, "--roots", empty).code == USAGE
    assert namak(None, "verify-signature", signed, "--roots", garbage).code == USAGE
    assert namak(None, "verify-signature", signed, "--at", "yesterday").code == USAGE


def test_files_that_cannot_be_read_have_their_own_code(namak: Namak, place: Place) -> None:
    document = place.write("letter.txt", DOCUMENT)

    assert namak(None, "verify-signature", place.directory / "absent.pdf").code == FILE
    assert namak(None, "verify-signature", place.directory).code == FILE
    assert namak(None, "verify-signature", document, "--signature", place.directory / "absent").code == FILE


@pytest.mark.parametrize(
    ("content", "result", "words"),
    [
        (b"", "NOT A SIGNATURE", "The file is empty."),
        (b"\x89PNG\r\n", "NOT A SIGNATURE", "neither a PDF nor a CMS signature"),
        (files.pdf(), "NOT SIGNED", "holds no signature of a person or entity"),
        (files.encrypted(), "NOT READ", "The PDF is encrypted"),
        (files.pdf()[:-100], "NOT READ", "The PDF is damaged"),
    ],
    ids=["empty", "picture", "unsigned", "encrypted", "broken"],
)
def test_a_file_without_a_signature_to_judge_says_what_it_is_and_why(
    namak: Namak, place: Place, content: bytes, result: str, words: str
) -> None:
    file = place.write("given", content)
    run = namak(None, "verify-signature", file, *place.trust)
    document = namak(None, "verify-signature", file, *place.trust, "--json")

    assert (run.code, document.code) == (FILE, FILE)
    assert f"{result}. " in run.out
    assert "INDETERMINATE" not in run.out
    assert words in run.out
    assert document.document["verdict"] == "INDETERMINATE"  # what the norm calls it
    assert document.document["words"].startswith(result)


def test_without_an_answer_on_revocation_it_says_how_to_give_one(
    namak: Namak, place: Place, world: World
) -> None:
    signed = place.write("signed.pdf", sign_pdf(files.pdf(), world.aram.signer, at=SIGNED))

    without = namak(None, "verify-signature", signed, *place.trust[:2])
    with_lists = namak(None, "verify-signature", signed, *place.trust)

    assert (without.code, with_lists.code) == (OPEN, VALID)
    assert "--crl or its OCSP answer by --ocsp" in without.err
    assert "--crl" not in with_lists.err


def test_a_huge_pdf_is_not_read(namak: Namak, place: Place) -> None:
    huge = place.write("huge.pdf", b"%PDF-1.7\n")
    with huge.open("r+b") as file:
        file.truncate(100 * 1024 * 1024)

    run = namak(None, "verify-signature", huge)

    assert run.code == FILE
    assert "was not judged" in run.out


def test_names_made_to_deceive_a_terminal_are_harmless(namak: Namak, place: Place, world: World) -> None:
    holder = world.issuing.issue(person(name="Արամ \x1b[2JՊետրոսյան"))
    signed = place.write("signed.pdf", sign_pdf(files.pdf(), holder.signer, at=SIGNED))

    run = namak(None, "verify-signature", signed, *place.trust)

    assert "\x1b" not in run.out


def test_the_post_is_asked_and_its_report_is_shown_like_ours(
    namak: Namak, place: Place, world: World, office: Office, citizen: Connection
) -> None:
    document = place.write("letter.txt", DOCUMENT)
    place.write("letter.txt.p7s", b"signature")
    office.verification = signature_pb2.SignatureVerification(
        format=signature_pb2.SignatureVerification.FORMAT_CMS_DETACHED,
        verdict=signature_pb2.SIGNATURE_VERDICT_INVALID,
        sub_indication="HASH_FAILURE",
        document_sha256=bytes(32),
        document_size_bytes=len(DOCUMENT),
    )
    office.verification.judged_time.FromDatetime(NOW)

    run = namak(citizen, "verify-signature", document, "--server", "--language", "ru", "--at", at())

    assert run.code == INVALID
    assert "НЕДЕЙСТВИТЕЛЬНА" in run.out
    (asked,) = office.verified
    assert (asked.document, asked.signature, asked.language) == (DOCUMENT, b"signature", "ru")
    assert asked.judged_time.ToDatetime(NOW.tzinfo) == NOW - timedelta(days=1)


def at() -> str:
    return (NOW - timedelta(days=1)).isoformat()


def test_what_is_too_large_for_the_post_is_not_sent(
    namak: Namak, place: Place, office: Office, citizen: Connection
) -> None:
    large = place.write("large.pdf", b"%PDF-1.7\n" + bytes(3 * 1024 * 1024))

    run = namak(citizen, "verify-signature", large, "--server")

    assert run.code == FILE
    assert office.verified == []

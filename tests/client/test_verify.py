"""``namak verify`` over the story of one delivery, offline."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from namak.cli.verifying import _receipts_in, read_file
from namak.client.signers import FileSigner
from namak.client.signing import sign_pdf
from namak.evidence.cosignature import COSIGNATURE
from namak.evidence.details import NamedList
from namak.evidence.document import RecordedFact
from namak.evidence.note import vkey
from namak.evidence.tlog_proof import MAX_BYTES, TlogProof
from server.gateways.certificate_pages.renderer import CertificateRenderer
from tests.client.conftest import Namak
from tests.delivery_certificates import MADE, certificate_of
from tests.unit.evidence_documents.pki import Authority
from tests.unit.evidence_documents.world import Key, Story


@dataclass(frozen=True)
class Case:
    """A told story, its receipts in a directory, and what the verifier trusts."""

    story: Story
    receipts: Path
    trust: tuple[str, ...]

    def save(self, *facts: RecordedFact) -> None:
        self.receipts.mkdir(exist_ok=True)
        for name, content in self.story.files(*facts).items():
            (self.receipts / name).write_bytes(content)

    def tell(self) -> tuple[RecordedFact, ...]:
        """Records the rest of the story and returns all its facts."""
        story = self.story
        confirmed = story.world.record(story.confirmation())
        effected = story.world.record(story.effect(confirmed))
        return story.acceptance, story.consignment, story.access, confirmed, effected


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("NAMAK_CONFIG", raising=False)
    story = Story()
    policy, roots = tmp_path / "log-policy.txt", tmp_path / "roots.crt"
    policy.write_text(f"log {story.world.log.key.vkey}\nquorum none\n")
    roots.write_bytes(story.world.root.certificate.public_bytes(Encoding.PEM))
    options = ("--log-policy", str(policy), "--citizen-roots", str(roots))
    return Case(story, tmp_path / "receipts", options)


def test_accepts_a_whole_story_and_says_each_check_in_words(namak: Namak, case: Case) -> None:
    case.save(*case.tell())
    run = namak(None, "verify", case.receipts, *case.trust)
    assert run.code == 0, run.out + run.err
    assert "VALID: 5 of 5 receipts are valid." in run.out
    assert "ok   inclusion: the evidence stands in the log" in run.out
    assert "5001950015 had signed, with their own key" in run.out
    assert "is properly notified" in run.out


def test_the_json_report_names_verdicts_and_checks(namak: Namak, case: Case) -> None:
    case.save(*case.tell())
    document = namak(None, "--json", "verify", case.receipts, *case.trust).document
    assert document["verdict"] == "VALID"
    assert {found["event"].rpartition("/")[2] for found in document["files"]} == {
        path.name.removesuffix(".tlog-proof") for path in case.receipts.iterdir()
    }
    for found in document["files"]:
        assert set(found) == {"name", "verdict", "proves", "evidence_id", "event", "checks"}
        assert all(set(check) == {"name", "outcome", "words"} for check in found["checks"])


def test_one_bad_receipt_among_good_ones_ends_as_not_verified(namak: Namak, case: Case) -> None:
    case.save(*case.tell())
    path = case.receipts / "SubmissionAcceptance.tlog-proof"
    proof = TlogProof.parse(path.read_bytes())
    path.write_bytes(replace(proof, index=proof.index + 1).encode())
    run = namak(None, "verify", case.receipts, *case.trust)
    assert run.code == 4
    assert "INVALID: 4 of 5 receipts are valid." in run.out
    assert f"INVALID  {path}" in run.out
    assert "FAIL inclusion" in run.out


def test_a_file_that_is_no_receipt_is_reported_as_such(namak: Namak, case: Case, tmp_path: Path) -> None:
    path = tmp_path / "letter.tlog-proof"
    path.write_bytes(b"\x1b[2Jhello")
    run = namak(None, "verify", path, *case.trust)
    assert run.code == 4
    assert "not a receipt" in run.out
    assert "\x1b" not in run.out


@pytest.mark.parametrize("kind", ["pipe", "endless"])
def test_what_is_no_regular_file_is_not_read(namak: Namak, case: Case, tmp_path: Path, kind: str) -> None:
    path = Path("/dev/zero")
    if kind == "pipe":
        path = tmp_path / "x.tlog-proof"
        os.mkfifo(path)
    run = namak(None, "verify", path, *case.trust)
    assert run.code == 6
    assert "no regular file" in run.err


def test_a_file_longer_than_any_receipt_is_refused(namak: Namak, case: Case, tmp_path: Path) -> None:
    path = tmp_path / "x.tlog-proof"
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 2)
    run = namak(None, "verify", path, *case.trust)
    assert run.code == 4
    assert "longer than" in run.out


def test_a_file_is_read_to_one_byte_over_what_is_asked_for_whatever_length_it_says(tmp_path: Path) -> None:
    (tmp_path / "some").write_bytes(bytes(range(100)))
    # Of a length that its file system does not tell, as logs and lists somewhere mounted may be.
    untold = Path("/proc/self/mountinfo")

    assert read_file(tmp_path / "some") == read_file(tmp_path / "some", 100) == bytes(range(100))
    assert read_file(tmp_path / "some", 99) == bytes(range(100))
    assert read_file(tmp_path / "some", 9) == bytes(range(10))
    assert untold.stat().st_size == 0
    assert read_file(untold, 40) == untold.read_bytes()[:41] == read_file(untold)[:41]
    assert read_file(untold).endswith(b"\n")


def test_a_directory_is_read_by_its_files_names_and_not_into_others(tmp_path: Path) -> None:
    names = ["b.tlog-proof", "B.tlog-proof", "a-1.tlog-proof", "a.tlog-proof", ".a.tlog-proof"]
    for name in [*names, "a.tlog-proof.txt", "a"]:
        (tmp_path / name).touch()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "c.tlog-proof").touch()

    assert [Path(path).name for path in _receipts_in(tmp_path)] == sorted(names)
    assert list(_receipts_in(tmp_path)) == [str(path) for path in sorted(tmp_path.glob("*.tlog-proof"))]
    assert list(_receipts_in(tmp_path / "none")) == []


def test_a_confirmation_signed_by_nobody_is_refused(namak: Namak, case: Case) -> None:
    story = case.story
    details = replace(story.confirmation_details(), cms=b"signed, really")
    forged = story.world.record(story.confirmation(details))
    case.save(story.consignment, story.access, forged)
    run = namak(None, "verify", case.receipts, *case.trust)
    assert run.code == 4
    assert "FAIL signature" in run.out


def test_an_effect_without_its_fact_is_refused(namak: Namak, case: Case) -> None:
    case.save(case.tell()[-1])
    assert namak(None, "verify", case.receipts, *case.trust).code == 4


def test_without_citizen_roots_no_confirmation_is_valid(namak: Namak, case: Case) -> None:
    case.save(*case.tell())
    run = namak(None, "verify", case.receipts, *case.trust[:2])
    assert run.code == 4
    assert "no citizen roots" in run.err


def test_a_log_that_is_not_trusted_proves_nothing(namak: Namak, case: Case, tmp_path: Path) -> None:
    case.save(*case.tell())
    other = tmp_path / "other.txt"
    other.write_text(f"log {Story().world.log.key.vkey}\nquorum none\n")
    run = namak(None, "verify", case.receipts, "--log-policy", other, *case.trust[2:])
    assert run.code == 4
    assert "0 of 5" in run.out
    assert "log successor" not in run.err


def test_a_log_that_the_policy_does_not_name_is_named_with_how_a_log_goes_on(
    namak: Namak, case: Case, tmp_path: Path
) -> None:
    case.save(*case.tell())
    key = case.story.world.log.key
    other = tmp_path / "other.txt"
    other.write_text(f"log {vkey('log.example.am/1999', key.public)}\nquorum none\n")
    run = namak(None, "verify", case.receipts, "--log-policy", other, *case.trust[2:])
    assert run.code == 4
    assert f"the log '{key.name}', which the policy does not name" in " ".join(run.out.split())
    assert "`namak log successor successor.tlog-proof` prints" in " ".join(run.err.split())


def test_who_misses_witnesses_is_told_how_to_get_a_witnessed_receipt(
    namak: Namak, case: Case, tmp_path: Path
) -> None:
    acceptance = case.tell()[0]
    case.save(acceptance)
    witness = Key("w.example", COSIGNATURE)
    policy = tmp_path / "witnessed.txt"
    policy.write_text(f"log {case.story.world.log.key.vkey}\nwitness w {witness.vkey}\nquorum w\n")
    run = namak(None, "verify", case.receipts, "--log-policy", policy, *case.trust[2:])
    assert run.code == 4
    command = f"namak receipt {acceptance.document.evidence_id} -o DIR --witnessed --force"
    assert command in run.err
    assert "the cosignatures of its own time" in " ".join(run.err.split())
    sound = namak(None, "verify", case.receipts, *case.trust).err
    assert "--witnessed" not in sound
    assert "of its own time" not in sound


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_a_revocation_list_that_evidence_only_names_is_given_as_a_file(
    namak: Namak, case: Case, tmp_path: Path, encoding: Encoding
) -> None:
    story = case.story
    first, second = story.world.crls()
    details = story.confirmation_details(crls=[first, second])
    named = tuple(NamedList(item.digest) for item in details.revocation)
    confirmed = story.world.record(story.confirmation(replace(details, revocation=named)))
    case.save(story.consignment, story.access, confirmed)
    assert namak(None, "verify", case.receipts, *case.trust).code == 4
    options: list[object] = []
    for number, der in enumerate((first, second)):
        path = tmp_path / f"list-{number}.crl"
        path.write_bytes(x509.load_der_x509_crl(der).public_bytes(encoding))
        options += ["--crl", path]
    run = namak(None, "verify", case.receipts, *case.trust, *options)
    assert run.code == 0, run.out


def test_without_options_and_configuration_it_names_the_options(namak: Namak, case: Case) -> None:
    case.save(*case.tell())
    run = namak(None, "verify", case.receipts)
    assert run.code == 2
    assert "--log-policy FILE and --citizen-roots FILE" in run.err
    assert "--seal-roots FILE and --tsa-roots FILE" in run.err
    assert "no configuration" not in run.err


def test_trust_comes_from_the_configuration_when_no_option_names_it(
    namak: Namak, case: Case, tmp_path: Path
) -> None:
    case.save(*case.tell())
    assert namak(None, "verify", case.receipts).code == 2
    (tmp_path / "namak.toml").write_text(
        '[trust]\nlog_policy = "log-policy.txt"\ncitizen_roots = "roots.crt"\n'
    )
    assert namak(None, "verify", case.receipts).code == 0
    assert namak(None, "verify", case.receipts, *case.trust[:2]).code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("absent.tlog-proof",), 6),
        (("empty",), 6),
        (("log-policy.txt", "--log-policy", "roots.crt"), 2),
        (("log-policy.txt", "--citizen-roots", "log-policy.txt"), 2),
        (("log-policy.txt", "--crl", "broken.crl"), 2),
        (("log-policy.txt", "--log-policy", "absent"), 6),
        ((), 2),
    ],
)
def test_what_can_not_be_used_is_named(
    namak: Namak, case: Case, tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.crl").write_text("-----BEGIN X509 CRL-----\n")
    run = namak(None, "verify", *case.trust, *arguments)
    assert run.code == code
    assert "Traceback" not in run.err


@pytest.fixture(scope="module")
def renderer() -> Iterator[CertificateRenderer]:
    with CertificateRenderer() as renderer:
        yield renderer


@pytest.mark.parametrize(
    ("language", "says", "failed"),
    [
        ("en", "INVALID: the certificate c.pdf was altered; the proofs inside hold.", "failed on seal"),
        ("hy", "ՎԱՎԵՐ ՉԷ․ c.pdf վկայագիրը փոփոխվել է․ դրա մեջ եղած ապացույցներն ուժի մեջ են։", "՝ կնիք։"),
        ("ru", "свидетельство c.pdf изменено; доказательства внутри него действительны.", "печать."),
        ("kk", "c.pdf куәлігі өзгертілген; ішіндегі дәлелдемелер жарамды.", "мөр."),
        ("az", "c.pdf şəhadətnaməsi dəyişdirilib; içindəki sübutlar qüvvədədir.", "möhür."),
    ],
)
def test_of_an_altered_certificate_the_last_line_says_so_in_one_language(
    namak: Namak, case: Case, renderer: CertificateRenderer, language: str, says: str, failed: str
) -> None:
    root = Authority.root("Seal root")
    card = root.authority("Seal authority").card()
    seal = FileSigner(card.key, card.der, tuple(card.chain))
    pdf = sign_pdf(renderer.render(certificate_of(case.story, case.tell())), seal, at=MADE)
    Path("seal.pem").write_bytes(root.certificate.public_bytes(Encoding.PEM))
    trust = (*case.trust, "--seal-roots", "seal.pem")

    Path("c.pdf").write_bytes(pdf)
    sound = namak(None, "--lang", language, "verify", "c.pdf", *trust)
    assert sound.code == 0, sound.out
    Path("c.pdf").write_bytes(pdf.replace(b"/ByteRange", b"/ByteRangf"))
    broken = namak(None, "--lang", language, "verify", "c.pdf", *trust)
    Path("c.pdf").write_bytes(pdf + b"\n%hello\n")
    altered = namak(None, "--lang", language, "verify", "c.pdf", *trust)

    for run in (altered, broken):
        assert run.code != 0
        assert run.out.splitlines()[-1].endswith(says)
        assert failed in run.out
        assert "FAILURE" not in run.out


def test_of_what_is_no_certificate_the_last_line_says_so(namak: Namak, case: Case) -> None:
    Path("c.pdf").write_bytes(b"%PDF-1.7 and so on")
    run = namak(None, "verify", "c.pdf", *case.trust)
    assert run.code != 0
    assert run.out.splitlines()[-1] == "INVALID: c.pdf is no delivery certificate that can be read."

"""CMS signatures that are weak, wrong, or made to deceive."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from namak.client.signing import sign_cms
from namak.evidence.failures import CertificateUntrusted
from namak.signatures.algorithms import Algorithms, check_value
from namak.signatures.cms_reading import read_cms
from namak.signatures.report import CheckId, CheckResult, FileFormat, Finding, SubIndication, Verdict
from tests.signing import tampering
from tests.signing.authority import AUTHENTICATION, AUTHORITY, NOW, Authority, named
from tests.signing.files import openssl, signed_by_openssl
from tests.signing.world import DOCUMENT, SIGNED, World, found, judged, not_passed, only, trusting


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.fixture(scope="module")
def cms(world: World) -> bytes:
    return sign_cms(DOCUMENT, world.aram.signer, at=SIGNED)


def test_a_certificate_that_is_not_in_the_signature_can_be_given(world: World, cms: bytes) -> None:
    bare = tampering.rebuilt(cms, tampering.without_certificates)

    missing = judged(DOCUMENT, bare, world.trust())
    chain = (world.aram.der, world.issuing.der, world.policy.der)
    given = judged(DOCUMENT, bare, replace(world.trust(), certificates=chain))

    assert (missing.verdict, missing.sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
    )
    assert only(missing).signer is None
    assert given.verdict is Verdict.VALID


def test_every_signer_of_one_cms_is_judged(world: World, cms: bytes) -> None:
    stranger = sign_cms(DOCUMENT, World().aram.signer, at=SIGNED)
    friend = sign_cms(DOCUMENT, world.signer().signer, at=SIGNED)

    good = judged(DOCUMENT, tampering.joined(cms, friend), world.trust())
    mixed = judged(DOCUMENT, tampering.joined(cms, stranger), world.trust())

    assert (good.verdict, [each.number for each in good.signatures]) == (Verdict.VALID, [1, 2])
    assert mixed.verdict is Verdict.INDETERMINATE
    assert sorted(each.verdict for each in mixed.signatures) == [Verdict.INDETERMINATE, Verdict.VALID]


def test_content_inside_must_be_the_document(world: World) -> None:
    other = b"Another document.\n"
    signature = sign_cms(other, world.aram.signer, at=SIGNED)
    deceiving = tampering.rebuilt(signature, tampering.with_content(other))

    report = judged(DOCUMENT, deceiving, world.trust())

    assert (report.verdict, report.sub_indication) == (Verdict.INVALID, SubIndication.HASH_FAILURE)
    assert found(report, CheckId.DOCUMENT_DIGEST) == (CheckResult.FAILED, Finding.EMBEDDED_CONTENT_DIFFERS)


def test_a_cms_with_its_content_needs_no_document(world: World, cms: bytes) -> None:
    attached = tampering.rebuilt(cms, tampering.with_content(DOCUMENT))

    report = judged(attached, None, world.trust())

    assert (report.format, report.verdict) == (FileFormat.CMS_ATTACHED, Verdict.VALID)
    assert judged(DOCUMENT, attached, world.trust()).verdict is Verdict.VALID


def test_a_detached_signature_alone_says_that_its_document_is_missing(world: World, cms: bytes) -> None:
    report = judged(cms, None, world.trust())

    assert (report.verdict, report.sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.SIGNED_DATA_NOT_FOUND,
    )
    assert found(report, CheckId.DOCUMENT_DIGEST) == (CheckResult.FAILED, Finding.CONTENT_MISSING)


def test_an_authentication_certificate_does_not_sign_documents(world: World) -> None:
    holder = world.signer(AUTHENTICATION)

    report = judged(DOCUMENT, sign_cms(DOCUMENT, holder.signer, at=SIGNED), world.trust())

    assert (report.verdict, report.sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.CHAIN_CONSTRAINTS_FAILURE,
    )
    assert found(report, CheckId.KEY_USAGE) == (CheckResult.FAILED, Finding.NOT_FOR_SIGNING)


def test_an_authority_does_not_sign_documents(world: World) -> None:
    holder = world.policy.issue(named("Authority"), replace(AUTHORITY, commitment=True))

    report = judged(DOCUMENT, sign_cms(DOCUMENT, holder.signer, at=SIGNED), world.trust())

    assert found(report, CheckId.KEY_USAGE) == (CheckResult.FAILED, Finding.AUTHORITY_CERTIFICATE)


def test_a_self_made_chain_proves_nothing(world: World) -> None:
    # Every name is as in the real world; only the keys are the forger's.
    report = judged(DOCUMENT, sign_cms(DOCUMENT, World().aram.signer, at=SIGNED), world.trust())

    assert (report.verdict, report.sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
    )
    assert only(report).trust_policy == ""
    assert found(report, CheckId.REVOCATION) == (CheckResult.NOT_CHECKED, Finding.NOT_REACHED)


def test_a_self_signed_certificate_proves_nothing(world: World) -> None:
    self_made = Authority("Somebody", kind=replace(AUTHORITY, commitment=True, is_ca=False))
    holder = replace(world.aram, certificate=self_made.certificate, key=self_made.key, chain=())

    report = judged(DOCUMENT, sign_cms(DOCUMENT, holder.signer, at=SIGNED), world.trust())

    assert found(report, CheckId.CHAIN) == (CheckResult.FAILED, Finding.CHAIN_SELF_MADE)


def test_a_persons_certificate_is_no_authority(world: World) -> None:
    leaf = world.aram
    below = Authority("Below", key=leaf.key)
    below.subject = leaf.certificate.subject
    forged = replace(below.issue(), chain=(leaf.certificate, *leaf.chain))

    report = judged(DOCUMENT, sign_cms(DOCUMENT, forged.signer, at=SIGNED), world.trust())

    assert found(report, CheckId.CHAIN) == (CheckResult.FAILED, Finding.CHAIN_UNSOUND)
    assert report.verdict is Verdict.INDETERMINATE


def test_a_certificate_of_the_same_key_cannot_be_put_in_the_signers_place(world: World, cms: bytes) -> None:
    other = world.issuing.issue(key=world.aram.key)

    report = judged(DOCUMENT, tampering.with_other_certificate(cms, world.aram, other), world.trust())

    assert found(report, CheckId.SIGNING_CERTIFICATE) == (
        CheckResult.FAILED,
        Finding.CERTIFICATE_SUBSTITUTED,
    )
    assert report.verdict is Verdict.INDETERMINATE


@pytest.mark.parametrize("algorithm", ["sha256_rsa", "sha1_ecdsa", "sha512_ecdsa", "rsassa_pkcs1v15"])
def test_a_signature_algorithm_that_is_not_the_keys_is_invalid(
    world: World, cms: bytes, algorithm: str
) -> None:
    confused = tampering.rebuilt(cms, tampering.with_signature_algorithm(algorithm))

    report = judged(DOCUMENT, confused, world.trust())

    assert report.verdict is Verdict.INVALID
    assert CheckId.SIGNATURE_VALUE in not_passed(report) or CheckId.STRUCTURE in not_passed(report)


@pytest.mark.parametrize(
    ("digest", "signature", "finding"),
    [
        ("sha256", "sha256_ecdsa", None),
        ("sha256", "sha512_ecdsa", Finding.ALGORITHMS_CONTRADICT),
        ("sha256", "sha1_ecdsa", Finding.ALGORITHMS_CONTRADICT),
        ("sha256", "rsassa_pss", Finding.ALGORITHMS_CONTRADICT),
        ("sha256", "ed25519", Finding.ALGORITHM_UNKNOWN),
        ("sha512", "sha512_ecdsa", Finding.VALUE_WRONG),
    ],
)
def test_a_value_counts_only_by_algorithms_that_agree(
    world: World, digest: str, signature: str, finding: Finding | None
) -> None:
    # Nothing inside the signature protects the names of its algorithms here, as in most that others make.
    value = world.aram.signer.sign(b"signed", "sha256")
    key = world.aram.certificate.public_key()

    assert check_value(key, Algorithms(digest, signature), b"signed", value) is finding


def test_a_digest_algorithm_that_was_not_the_signers_is_invalid(world: World, cms: bytes) -> None:
    report = judged(
        DOCUMENT, tampering.rebuilt(cms, tampering.with_digest_algorithm("sha512")), world.trust()
    )

    assert report.verdict is Verdict.INVALID


def test_without_signed_attributes_nothing_ties_the_signature_to_its_certificate(
    world: World, cms: bytes
) -> None:
    report = judged(DOCUMENT, tampering.rebuilt(cms, tampering.without_signed_attributes), world.trust())

    assert found(report, CheckId.STRUCTURE) == (CheckResult.FAILED, Finding.NO_SIGNED_ATTRIBUTES)
    assert report.verdict is not Verdict.VALID


def test_a_document_that_is_the_signed_attributes_of_another_is_not_signed(world: World, cms: bytes) -> None:
    # RFC 5652, 11: without attributes the value would be over the document itself, which here are attributes.
    attributes = read_cms(cms).signers[0].attributes
    assert attributes is not None

    report = judged(attributes, tampering.rebuilt(cms, tampering.without_signed_attributes), world.trust())

    assert report.verdict is not Verdict.VALID


def test_a_small_rsa_key_is_told_as_weak_though_the_value_fits(world: World, tmp_path: Path) -> None:
    key = rsa.generate_private_key(65537, 1024)
    holder = world.issuing.issue(key=key)
    with pytest.raises(CertificateUntrusted):
        sign_cms(DOCUMENT, holder.signer, at=SIGNED)
    signature = signed_by_openssl(tmp_path, holder, DOCUMENT)

    report = judged(DOCUMENT, signature, world.trust())

    assert found(report, CheckId.SIGNATURE_VALUE) == (CheckResult.PASSED, None)
    assert found(report, CheckId.ALGORITHMS) == (CheckResult.FAILED, Finding.KEY_WEAK)
    assert (report.verdict, report.sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
    )


def test_sha1_is_told_as_weak_though_the_value_fits(world: World, tmp_path: Path) -> None:
    signature = signed_by_openssl(tmp_path, world.aram, DOCUMENT, "-md", "sha1")

    report = judged(DOCUMENT, signature, world.trust())

    assert found(report, CheckId.DOCUMENT_DIGEST) == (CheckResult.PASSED, None)
    assert found(report, CheckId.SIGNATURE_VALUE) == (CheckResult.PASSED, None)
    assert found(report, CheckId.ALGORITHMS) == (CheckResult.FAILED, Finding.ALGORITHM_WEAK)
    assert (report.verdict, report.sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
    )


def test_a_chain_signed_with_sha1_is_weak(world: World, tmp_path: Path) -> None:
    signature, root = sha1_chain(tmp_path)
    trust = trusting(world.trust(), roots=(root,), namings=())

    # The machine's clock has gone on since the tests began.
    report = judged(DOCUMENT, signature, trust, NOW + timedelta(hours=1))

    assert found(report, CheckId.CHAIN) == (CheckResult.NOT_CHECKED, Finding.CHAIN_WEAK)
    assert report.verdict is Verdict.INDETERMINATE


def sha1_chain(place: Path) -> tuple[bytes, bytes]:
    """Returns a signature by a certificate that its authority signed with SHA-1, and that authority."""
    world = World()
    (place / "ca.key").write_bytes(key_pem(world.root))
    (place / "ca.pem").write_bytes(world.root.certificate.public_bytes(Encoding.PEM))
    (place / "own.key").write_bytes(world.aram.key_pem)
    (place / "v3.cnf").write_text("keyUsage=critical,nonRepudiation\nsubjectKeyIdentifier=hash\n")
    request = openssl(
        "req", "-new", "-key", place / "own.key", "-subj", "/CN=Aram", "-out", place / "own.csr"
    )
    assert request.returncode == 0, request.stderr.decode()
    issued = openssl(
        *("x509", "-req", "-sha1", "-days", "30", "-in", place / "own.csr", "-extfile", place / "v3.cnf"),
        *("-CA", place / "ca.pem", "-CAkey", place / "ca.key", "-set_serial", "77"),
    )
    assert issued.returncode == 0, issued.stderr.decode()
    certificate = x509.load_pem_x509_certificate(issued.stdout)
    holder = replace(world.aram, certificate=certificate, chain=())
    return signed_by_openssl(place, holder, DOCUMENT), world.root.der


def key_pem(authority: Authority) -> bytes:
    return authority.issue(key=authority.key).key_pem


@pytest.mark.parametrize("bits", [2048, 3072])
def test_rsa_signatures_are_valid(world: World, bits: int) -> None:
    holder = world.issuing.issue(key=rsa.generate_private_key(65537, bits))

    assert (
        judged(DOCUMENT, sign_cms(DOCUMENT, holder.signer, at=SIGNED), world.trust()).verdict is Verdict.VALID
    )


def test_a_larger_curve_is_valid(world: World) -> None:
    holder = world.issuing.issue(key=ec.generate_private_key(ec.SECP384R1()))
    cms = sign_cms(DOCUMENT, holder.signer, algorithm="sha384", at=SIGNED)

    assert judged(DOCUMENT, cms, world.trust()).verdict is Verdict.VALID


def test_a_subject_that_names_nobody_by_the_profile_does_not_pass(world: World) -> None:
    holder = world.issuing.issue(named("Some Machine"))

    report = judged(DOCUMENT, sign_cms(DOCUMENT, holder.signer, at=SIGNED), world.trust())

    assert found(report, CheckId.IDENTITY) == (CheckResult.FAILED, Finding.NO_ONE_NAMED)
    assert report.verdict is Verdict.INDETERMINATE


def test_a_certificate_outside_the_named_policies_is_valid_and_not_qualified(
    world: World, cms: bytes
) -> None:
    trust = trusting(world.trust(), certificate_policies=MappingProxyType({"1.2.3": "other"}))

    report = judged(DOCUMENT, cms, trust)

    assert report.verdict is Verdict.VALID
    assert only(report).certificate_policy == ""
    assert found(report, CheckId.QUALIFICATION) == (CheckResult.NOT_CHECKED, Finding.NOT_QUALIFIED)


def test_a_web_of_certificates_costs_little(world: World, cms: bytes) -> None:
    # Every authority certifies every other one: paths without end, none of them to a root.
    ring = [Authority(f"Ring {number}") for number in range(12)]
    crossed = []
    for one in ring:
        for other in ring:
            issued = Authority(f"Ring {ring.index(one)}", other, key=one.key)
            crossed.append(issued.der)
    holder = ring[0].issue()
    report = judged(
        DOCUMENT,
        sign_cms(DOCUMENT, holder.signer, at=SIGNED),
        replace(world.trust(), certificates=tuple(crossed)),
    )

    assert found(report, CheckId.CHAIN)[0] is CheckResult.FAILED

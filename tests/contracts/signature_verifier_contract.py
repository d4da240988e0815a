"""What whoever verifies files for the post does: the processes and the library alike."""

from namak.client.signing import sign_cms, sign_pdf
from namak.signatures.report import Finding, Verdict
from server.usecases.signature_verification import SignatureVerifier
from tests.signing import files
from tests.signing.authority import NOW
from tests.signing.world import DOCUMENT, SIGNED, World, only


class SignatureVerifierContract:
    """Subclasses give the fixtures `verifier` and `world`."""

    async def test_a_detached_signature_is_reported_with_who_signed(
        self, verifier: SignatureVerifier, world: World
    ) -> None:
        cms = sign_cms(DOCUMENT, world.aram.signer, at=SIGNED)

        report = await verifier.verify(DOCUMENT, cms, world.trust(), NOW, owner="somebody")

        assert report is not None
        assert (report.verdict, report.verified_time) == (Verdict.VALID, NOW)
        signer = only(report).signer
        assert signer is not None
        assert (signer.name, signer.number) == ("Արամ Պետրոսյան", "5001950015")
        assert only(report).chain[0].der == world.aram.der

    async def test_a_signed_pdf_is_reported_with_its_place_and_times(
        self, verifier: SignatureVerifier, world: World
    ) -> None:
        stamp = world.authority_of_time(SIGNED)
        signed = sign_pdf(files.pdf(), world.aram.signer, at=SIGNED, timestamps=stamp)

        report = await verifier.verify(signed, None, world.trust(), NOW, owner="somebody")

        assert report is not None
        signature = only(report)
        assert (report.verdict, signature.used_time) == (Verdict.VALID, SIGNED)
        assert signature.pdf is not None
        assert signature.pdf.covers_whole_file

    async def test_what_somebody_changed_is_invalid(self, verifier: SignatureVerifier, world: World) -> None:
        signed = sign_pdf(files.pdf(), world.aram.signer, at=SIGNED)

        report = await verifier.verify(
            files.changed(signed, files.add_page), None, world.trust(), NOW, owner="somebody"
        )

        assert report is not None
        assert report.verdict is Verdict.INVALID

    async def test_a_file_of_another_kind_is_reported_as_such(
        self, verifier: SignatureVerifier, world: World
    ) -> None:
        report = await verifier.verify(b"\x89PNG", None, world.trust(), NOW, owner="somebody")

        assert report is not None
        assert report.checks[0].finding is Finding.UNKNOWN_FORMAT

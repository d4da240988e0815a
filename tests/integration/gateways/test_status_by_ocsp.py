"""Revocation by OCSP: real `openssl ocsp` responders on loopback, answers that are played back, and liars."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from server.gateways.certificate_status.ocsp_answer import ANSWER_BYTES, Rules
from server.usecases.certificate_status import CheckKind, Origin, Outcome, StatusReport, Verdict
from tests.integration.gateways.authorities import (
    AUTHENTICATION,
    DAY,
    HOUR,
    NOW,
    OCSP_SIGNING,
    Entry,
    Issued,
    Wish,
    authority_wish,
    issue,
    usage,
)
from tests.integration.gateways.status_scene import Scene, check_of, checked, clock
from tests.integration.gateways.status_servers import http_serving, openssl_responder

SHORT = timedelta(milliseconds=300)
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with http_serving() as http:
        made = Scene(tmp_path, http)
        yield made
        await made.close()


def responder_wish(**changes: Any) -> Wish:
    values: dict[str, Any] = {
        "label": "Responder",
        "number": None,
        "usage": AUTHENTICATION,
        "extended": OCSP_SIGNING,
        "no_check": True,
    }
    return Wish(**{**values, **changes})


def unknown(report: StatusReport, why: str) -> None:
    assert report.verdict is Verdict.UNKNOWN, report
    assert not report.accepted
    assert why in check_of(report, CheckKind.OCSP).detail


class TestOpenssl:
    """The responder of OpenSSL, as a process of its own."""

    async def test_tells_good_from_revoked_with_date_and_reason(self, scene: Scene, tmp_path: Path) -> None:
        government = scene.country.government
        good, revoked = scene.country.person(), scene.country.person()
        delegate = issue(responder_wish(), government)
        entry = Entry(revoked.serial, NOW - HOUR, x509.ReasonFlags.key_compromise)
        async with openssl_responder(
            tmp_path / "ocsp", government, delegate, good=(good,), revoked=(entry,)
        ) as url:
            checker = scene.checker(url, responder=url)
            # Whoever is above the person has other responders: there are lists.
            fine, told = await checked(checker, good), await checked(checker, revoked)

        assert check_of(fine, CheckKind.OCSP).outcome is Outcome.PASSED, fine
        assert fine.verdict is Verdict.GOOD
        assert told.verdict is Verdict.REVOKED
        assert (told.revoked_since, told.revocation_reason) == (NOW - HOUR, "keyCompromise")
        (proof,) = [proof for proof in told.proofs if proof.kind is CheckKind.OCSP]
        assert ocsp.load_der_ocsp_response(proof.der).serial_number == revoked.serial
        assert proof.origin is Origin.FETCHED
        assert proof.ends is not None

    @pytest.mark.parametrize("digest", ["sha256", "sha1"])
    async def test_the_issuer_itself_may_answer_at_the_address_in_the_certificate(
        self, scene: Scene, tmp_path: Path, digest: str
    ) -> None:
        government = scene.country.government
        async with openssl_responder(tmp_path / "ocsp", government, government) as url:
            person = scene.country.person(responder=url)
            unknown(await checked(scene.checker(url), person), "does not know the certificate")
        async with openssl_responder(tmp_path / "ocsp", government, government, good=(person,)) as url:
            report = await checked(scene.checker(url, responder=url, digest=digest), person)

        assert report.verdict is Verdict.GOOD

    async def test_a_responder_of_an_rsa_authority_and_its_sha1_answers(
        self, scene: Scene, tmp_path: Path
    ) -> None:
        authority = issue(
            authority_wish("RSA", key=rsa.generate_private_key(65537, 2048)), scene.country.policy
        )
        person = issue(Wish(), authority)
        place = tmp_path / "ocsp"
        async with openssl_responder(place, authority, authority, good=(person,)) as url:
            good = await checked(scene.checker(url, responder=url), person, others=[authority.der])
        async with openssl_responder(
            place, authority, authority, good=(person,), options=("-rmd", "sha1")
        ) as url:
            weak = await checked(scene.checker(url, responder=url), person, others=[authority.der])

        assert good.verdict is Verdict.GOOD, good
        unknown(weak, "algorithm that is not accepted")

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"extended": ()}, "not for answering"),
            ({"extended": (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)}, "not for answering"),
            ({"usage": usage(key_encipherment=True)}, "not for answering"),
            ({"begin": NOW - 3 * DAY, "end": NOW - DAY}, "not valid when it answered"),
            ({"key": rsa.generate_private_key(65537, 1024)}, "too weak"),
            ({"no_check": False}, "revoked, or nobody can tell"),
        ],
    )
    async def test_a_delegate_that_is_not_authorised_is_not_believed(
        self, scene: Scene, tmp_path: Path, changes: dict[str, Any], why: str
    ) -> None:
        government, person = scene.country.government, scene.country.person()
        delegate = issue(responder_wish(**changes), government)
        async with openssl_responder(tmp_path / "ocsp", government, delegate, good=(person,)) as url:
            unknown(await checked(scene.checker(url, responder=url), person), why)

    async def test_a_delegate_of_a_stranger_or_of_the_authority_above_is_not_believed(
        self, scene: Scene, tmp_path: Path
    ) -> None:
        government, person = scene.country.government, scene.country.person()
        impostor = issue(authority_wish("E-Government Authority"))
        for signer in (
            issue(responder_wish(), impostor),
            issue(responder_wish(), scene.country.policy),
            impostor,
        ):
            async with openssl_responder(tmp_path / "ocsp", government, signer, good=(person,)) as url:
                report = await checked(scene.checker(url, responder=url), person)
            assert report.verdict is Verdict.UNKNOWN
            assert check_of(report, CheckKind.OCSP).outcome is Outcome.UNKNOWN

    async def test_a_delegate_that_may_be_revoked_is_looked_up_in_the_lists(
        self, scene: Scene, tmp_path: Path
    ) -> None:
        government, person = scene.country.government, scene.country.person()
        delegate = issue(responder_wish(no_check=False), government)
        async with openssl_responder(tmp_path / "ocsp", government, delegate, good=(person,)) as url:
            scene.put_list("government", scene.government_list())
            listed = await checked(scene.checker(url, responder=url, require="all"), person)
            scene.put_list("government", scene.government_list(Entry(delegate.serial)))
            revoked = await checked(scene.checker(url, responder=url, require="all"), person)

        assert listed.verdict is Verdict.GOOD, listed
        unknown(revoked, "revoked, or nobody can tell")

    async def test_list_and_responder_must_agree_that_a_certificate_is_good(
        self, scene: Scene, tmp_path: Path
    ) -> None:
        government, person = scene.country.government, scene.country.person()
        scene.put_list("government", scene.government_list())
        entry = Entry(person.serial)
        async with openssl_responder(tmp_path / "ocsp", government, government, revoked=(entry,)) as url:
            assert (await checked(scene.checker(url, responder=url), person)).verdict is Verdict.REVOKED
        async with openssl_responder(tmp_path / "ocsp", government, government, good=(person,)) as url:
            scene.put_list("government", scene.government_list(entry))
            assert (await checked(scene.checker(url, responder=url), person)).verdict is Verdict.REVOKED

    async def test_a_responder_that_is_gone_leaves_what_it_said_until_that_ends(
        self, scene: Scene, tmp_path: Path
    ) -> None:
        government, person = scene.country.government, scene.country.person()
        minutes = 0
        async with openssl_responder(tmp_path / "ocsp", government, government, good=(person,)) as url:
            checker = scene.checker(
                url,
                responder=url,
                refresh=timedelta(0),
                retry=timedelta(0),
                now=lambda: clock() + timedelta(minutes=minutes),
            )
            assert (await checked(checker, person)).verdict is Verdict.GOOD

        assert (await checked(checker, person)).verdict is Verdict.GOOD
        minutes = 10
        unknown(await checked(checker, person, clock() + 10 * MINUTE), "cannot be reached")

    async def test_equal_questions_at_once_are_asked_once_and_answers_are_kept(
        self, scene: Scene, tmp_path: Path
    ) -> None:
        government, person = scene.country.government, scene.country.person()
        async with openssl_responder(tmp_path / "ocsp", government, government, good=(person,)) as url:
            scene.http.handlers["ocsp"] = forwarding(url)
            checker = scene.checker(url, responder=scene.http.url("ocsp"))
            reports = await asyncio.gather(*(checked(checker, person) for _ in range(5)))
            reports.append(await checked(checker, person))

        assert {report.verdict for report in reports} == {Verdict.GOOD}
        # The one set is for persons: the authorities above are not this responder's to tell of.
        assert len(scene.http.asked) == 1

    async def test_an_answer_that_is_played_back_is_refused_by_its_nonce(
        self, scene: Scene, tmp_path: Path
    ) -> None:
        government, person = scene.country.government, scene.country.person()
        kept: list[bytes] = []
        async with openssl_responder(tmp_path / "ocsp", government, government, good=(person,)) as url:
            scene.http.handlers["ocsp"] = forwarding(url, kept)
            first = scene.checker(url, responder=scene.http.url("ocsp"))
            assert (await checked(first, person)).verdict is Verdict.GOOD
        answer = next(der for der in kept if _is_about(der, person))
        scene.http.handlers["ocsp"] = saying(answer)
        second = scene.checker(responder=scene.http.url("ocsp"))

        unknown(await checked(second, person), "another question's nonce: it is replayed")

    async def test_a_stapled_answer_is_believed_and_the_responder_not_asked(
        self, scene: Scene, tmp_path: Path
    ) -> None:
        government, person, other = scene.country.government, scene.country.person(), scene.country.person()
        kept: list[bytes] = []
        async with openssl_responder(
            tmp_path / "ocsp", government, government, good=(person,), revoked=(Entry(other.serial),)
        ) as url:
            scene.http.handlers["ocsp"] = forwarding(url, kept)
            asking = scene.checker(url, responder=scene.http.url("ocsp"))
            for one in (person, other):
                await checked(asking, one)
        stapled = [der for der in kept if _is_about(der, person) or _is_about(der, other)]
        checker = scene.checker()

        report = await checked(checker, person, answers=[b"junk", *stapled])
        assert report.verdict is Verdict.GOOD, report
        assert report.proofs[0].origin is Origin.GIVEN
        assert (await checked(checker, other, answers=stapled)).verdict is Verdict.REVOKED
        unknown(await checked(checker, person, answers=stapled[1:]), "about another certificate")
        later = await checked(
            scene.checker(now=lambda: clock() + HOUR), person, clock() + HOUR, answers=stapled
        )
        assert later.verdict is Verdict.UNKNOWN


def forwarding(
    url: str, kept: list[bytes] | None = None
) -> Callable[[web.BaseRequest], Awaitable[web.Response]]:
    async def forward(request: web.BaseRequest) -> web.Response:
        headers = {"Content-Type": "application/ocsp-request"}
        async with (
            ClientSession() as session,
            session.post(url, data=await request.read(), headers=headers) as answer,
        ):
            der = await answer.read()
        if kept is not None:
            kept.append(der)
        return web.Response(body=der)

    return forward


def saying(*answers: bytes) -> Callable[[web.BaseRequest], Awaitable[web.Response]]:
    remaining = list(answers)

    async def say(request: web.BaseRequest) -> web.Response:
        return web.Response(body=remaining.pop(0) if len(remaining) > 1 else remaining[0])

    return say


def _is_about(der: bytes, person: Issued) -> bool:
    response = ocsp.load_der_ocsp_response(der)
    return (
        response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL
        and response.serial_number == person.serial
        and response.certificate_status is not ocsp.OCSPCertStatus.UNKNOWN
    )


def answer_about(
    person: Issued,
    issuer: Issued,
    *,
    signer: Issued | None = None,
    issued: Any = None,
    ends: Any = None,
    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD,
    extension: tuple[x509.ExtensionType, bool] | None = None,
    by_name: bool = False,
    along: tuple[Issued, ...] | None = None,
) -> bytes:
    """An answer made by hand; by default a good one of now by the issuer."""
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=person.certificate,
        issuer=issuer.certificate,
        algorithm=hashes.SHA256(),
        cert_status=status,
        this_update=issued or clock(),
        next_update=ends,
        revocation_time=NOW - HOUR if status is ocsp.OCSPCertStatus.REVOKED else None,
        revocation_reason=None,
    )
    signer = signer or issuer
    encoding = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
    builder = builder.responder_id(encoding, signer.certificate)
    if along is None:
        along = () if signer is issuer else (signer,)
    if along:
        builder = builder.certificates([one.certificate for one in along])
    if extension is not None:
        builder = builder.add_extension(extension[0], critical=extension[1])
    return builder.sign(signer.key, hashes.SHA256()).public_bytes(Encoding.DER)


class TestAnswers:
    """Answers that no honest responder gives, or that come from another time."""

    async def told(self, scene: Scene, person: Issued, answer: bytes, **choices: Any) -> StatusReport:
        scene.http.handlers["ocsp"] = saying(answer)
        return await checked(scene.checker(responder=scene.http.url("ocsp"), **choices), person)

    async def test_one_made_beforehand_is_believed_without_a_nonce_unless_one_is_required(
        self, scene: Scene
    ) -> None:
        person = scene.country.person()
        answer = answer_about(person, scene.country.government)

        assert (await self.told(scene, person, answer)).verdict is Verdict.GOOD
        strict = Rules(nonce_required=True)
        unknown(await self.told(scene, person, answer, rules=strict), "lacks the question's nonce")

    async def test_one_about_another_certificate_or_another_issuers_is_not_believed(
        self, scene: Scene
    ) -> None:
        person, government = scene.country.person(), scene.country.government
        other = answer_about(scene.country.person(), government)
        elsewhere = answer_about(person, scene.country.policy, signer=issue(responder_wish(), government))

        unknown(await self.told(scene, person, other), "about another certificate")
        unknown(await self.told(scene, person, elsewhere), "about another certificate")

    async def test_old_ones_are_not_believed(self, scene: Scene) -> None:
        person, government = scene.country.person(), scene.country.government
        ended = answer_about(person, government, issued=NOW - 2 * HOUR, ends=NOW - HOUR)
        endless = answer_about(person, government, issued=NOW - 25 * HOUR)
        patient = answer_about(person, government, issued=NOW - 25 * HOUR, ends=NOW + 300 * DAY)
        coming = answer_about(person, government, issued=clock() + HOUR)

        for answer in (ended, endless, patient):
            unknown(await self.told(scene, person, answer), "stale since")
        unknown(await self.told(scene, person, coming), "a time to come")
        young = answer_about(person, government, issued=NOW - 23 * HOUR)
        assert (await self.told(scene, person, young)).verdict is Verdict.GOOD

    async def test_one_signed_by_a_stranger_is_not_believed_whatever_name_it_bears(
        self, scene: Scene
    ) -> None:
        person, government = scene.country.person(), scene.country.government
        impostor = issue(authority_wish("E-Government Authority"))
        delegate = issue(responder_wish(), government)
        named = answer_about(person, government, signer=impostor, by_name=True, along=())
        alone = answer_about(person, government, signer=delegate, along=())
        by_person = answer_about(person, government, signer=person)

        unknown(await self.told(scene, person, named), "not signed by")
        unknown(await self.told(scene, person, alone), "signed by a stranger")
        unknown(await self.told(scene, person, by_person), "not for answering")

    async def test_one_whose_algorithm_is_not_the_one_used_is_not_believed(self, scene: Scene) -> None:
        person, government = scene.country.person(), scene.country.government
        honest = answer_about(person, government)
        with_256, with_384 = (bytes.fromhex(f"06082a8648ce3d0403{last}") for last in ("02", "03"))
        assert honest.count(with_256) == 1

        unknown(await self.told(scene, person, honest.replace(with_256, with_384)), "not signed by")

    async def test_an_rsa_key_is_not_taken_for_the_curve_that_an_answer_declares(self, scene: Scene) -> None:
        person, government = scene.country.person(), scene.country.government
        trusted = issue(responder_wish(key=rsa.generate_private_key(65537, 2048)), government)
        curve = issue(responder_wish())
        answer = answer_about(person, government, signer=curve, by_name=True, along=(trusted,))

        unknown(await self.told(scene, person, answer), "not one of the signer's key")

    async def test_critical_extensions_that_are_not_understood_refuse_it(self, scene: Scene) -> None:
        person = scene.country.person()
        strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
        critical, harmless = (
            answer_about(person, scene.country.government, extension=(strange, wanted))
            for wanted in (True, False)
        )

        unknown(await self.told(scene, person, critical), "critical extension")
        assert (await self.told(scene, person, harmless)).verdict is Verdict.GOOD

    @pytest.mark.parametrize("status", list(ocsp.OCSPResponseStatus)[1:])
    async def test_a_refusal_to_answer_is_told(self, scene: Scene, status: ocsp.OCSPResponseStatus) -> None:
        refusal = ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)

        unknown(await self.told(scene, scene.country.person(), refusal), status.name.lower())

    @pytest.mark.parametrize("junk", [b"", b"\x30\x00", b"<html>", bytes(1000)])
    async def test_junk_is_not_read(self, scene: Scene, junk: bytes) -> None:
        unknown(await self.told(scene, scene.country.person(), junk), "cannot be read")

    async def test_a_huge_answer_is_not_read(self, scene: Scene) -> None:
        unknown(await self.told(scene, scene.country.person(), bytes(ANSWER_BYTES + 1)), "more than")

    async def test_an_older_answer_does_not_undo_a_newer_one(self, scene: Scene) -> None:
        person, government = scene.country.person(), scene.country.government
        revoked = answer_about(person, government, status=ocsp.OCSPCertStatus.REVOKED)
        old = answer_about(person, government, issued=clock() - HOUR)
        # Each check asks about the three certificates below the root, the person's first.
        answers = {"first": revoked, "then": old}
        turn = "first"

        async def say(request: web.BaseRequest) -> web.Response:
            return web.Response(body=answers[turn])

        scene.http.handlers["ocsp"] = say
        checker = scene.checker(responder=scene.http.url("ocsp"), refresh=timedelta(0), retry=timedelta(0))
        assert (await checked(checker, person)).verdict is Verdict.REVOKED
        turn = "then"

        assert (await checked(checker, person)).verdict is Verdict.REVOKED

    async def test_revoked_after_the_time_asked_about_is_good_then(self, scene: Scene) -> None:
        person, government = scene.country.person(), scene.country.government
        scene.http.handlers["ocsp"] = saying(
            answer_about(person, government, status=ocsp.OCSPCertStatus.REVOKED)
        )
        checker = scene.checker(responder=scene.http.url("ocsp"))

        assert (await checked(checker, person, NOW - 2 * HOUR)).verdict is Verdict.GOOD
        assert (await checked(checker, person)).verdict is Verdict.REVOKED

    async def test_a_slow_responder_is_not_waited_for_longer_than_set_and_left_alone_then(
        self, scene: Scene
    ) -> None:
        never = asyncio.Event()

        async def hang(request: web.BaseRequest) -> web.Response:
            await never.wait()
            return web.Response()

        scene.http.handlers["ocsp"] = hang
        checker = scene.checker(responder=scene.http.url("ocsp"), timeout=SHORT)
        person = scene.country.person()

        unknown(await checked(checker, person), "did not answer in time")
        asked = len(scene.http.asked)
        unknown(await checked(checker, person), "did not answer in time")
        assert len(scene.http.asked) == asked
        never.set()

    async def test_a_responder_on_a_host_that_is_not_set_is_not_asked(self, scene: Scene) -> None:
        async with http_serving() as elsewhere:
            person = scene.country.person(responder=elsewhere.url("ocsp"))
            report = await checked(scene.checker(), person)

            assert report.verdict is Verdict.UNKNOWN
            assert elsewhere.asked == []

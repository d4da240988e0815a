"""``namak admin certificate``."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import typer
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from namak.cli import shapes, shapes_admin
from namak.cli.app import Run
from namak.cli.asking import agreed
from namak.cli.codes import ExitCode
from namak.cli.naming import acting_organisation, named_id, owner, sender_address
from namak.cli.texts import N_, _, ngettext
from namak.client.paging import first
from namak.client.possession import sign_possession
from namak.errors import FileProblem
from namak.v1 import sender_admin_pb2

_SOON = timedelta(days=30)
# When people are warned of a certificate that ends, unless they ask for another time.

_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_MOST_BYTES = 64 * 1024


async def certificate_list(
    run: Run,
    org: str | None,
    address: str | None,
    expiring_within: int,
    acting_as: str | None,
    limit: int,
    *,
    ended: bool,
) -> ExitCode:
    """Lists certificates and warns of those that end soon."""
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        only = "" if address is None else (await sender_address(post, address, acting)).sender_address_id
        found = await first(
            limit,
            post.admin.certificate_bindings(
                await owner(post, org, acting),
                show_ended=ended,
                expiring_within_days=expiring_within,
                sender_address_id=only,
                acting_as=acting,
                page_size=min(limit, 200),
            ),
        )
    now = datetime.now(UTC)
    soon = timedelta(days=expiring_within) if expiring_within else _SOON
    ending = [item for item in found if _is_ending(item, now, soon)]
    run.screen.result(
        {
            "bindings": [shapes_admin.binding(item) for item in found],
            "ending_soon": [item.certificate_sha256.hex() for item in ending],
        }
    )
    run.screen.table(
        (N_("SUBJECT"), N_("ENDS"), N_("STATE"), N_("FOR"), N_("SHA-256")),
        [
            (
                item.certificate_subject,
                shapes.when(item.expire_time),
                _state(item, now, soon),
                item.sender_address_id or _("all addresses"),
                item.certificate_sha256.hex(),
            )
            for item in found
        ],
    )
    for item in ending:
        days = max(0, (_end(item) - now).days)
        run.screen.note(
            ngettext(
                "Warning: {subject} ends in {number} day; bind a new one before.",
                "Warning: {subject} ends in {number} days; bind a new one before.",
                days,
            ).format(subject=item.certificate_subject, number=days)
        )
    return ExitCode.OK


async def certificate_bind(
    run: Run,
    org: str | None,
    file: Path,
    key_file: Path | None,
    address: str | None,
    acting_as: str | None,
    request_id: str | None,
) -> ExitCode:
    """Binds a certificate, with the proof that its key is at hand."""
    certificate = read_certificate(file)
    key = None if key_file is None else _key(key_file, certificate)
    if key is None and (acting_as or run.connection().acting_as):
        raise typer.BadParameter(
            _("an administrator must give the certificate's private key, as proof that they hold it"),
            param_hint="--key",
        )
    der = certificate.public_bytes(Encoding.DER)
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        only = "" if address is None else (await sender_address(post, address, acting)).sender_address_id
        organisation = await owner(post, org, acting)
        found = await post.admin.bind_certificate(
            organisation,
            der,
            sender_address_id=only,
            possession_signature=b"" if key is None else sign_possession(key, organisation, der),
            acting_as=acting,
            request_id=named_id(run.screen, request_id),
        )
    return _show(run, found)


async def certificate_revoke(
    run: Run, certificate: str, acting_as: str | None, request_id: str | None, *, yes: bool
) -> ExitCode:
    """Revokes a certificate, after asking."""
    digest = _digest(certificate)
    question = _("Revoke {certificate} for ever?").format(certificate=certificate)
    if not agreed(run, question, yes=yes):
        return ExitCode.REFUSED
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        found = await post.admin.revoke_certificate(
            digest, acting_as=acting, request_id=named_id(run.screen, request_id)
        )
    return _show(run, found)


def _key(path: Path, certificate: x509.Certificate) -> PrivateKeyTypes:
    """Reads the certificate's key. Another certificate's is found out before anything is asked."""
    try:
        key = load_pem_private_key(_bytes_of(path), password=None)
    except TypeError as problem:
        raise FileProblem(_("{file} is protected by a passphrase").format(file=path)) from problem
    except (ValueError, UnsupportedAlgorithm) as problem:
        raise FileProblem(_("{file} holds no readable PEM private key").format(file=path)) from problem
    try:
        sign_possession(key, str(UUID(int=0)), certificate.public_bytes(Encoding.DER))
    except ValueError as problem:
        text = _("{file} is not the certificate's key, or no Ed25519, elliptic curve or RSA key")
        raise FileProblem(text.format(file=path)) from problem
    return key


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES)
    except OSError as problem:
        raise FileProblem(
            _("{file} can't be read: {problem}").format(file=path, problem=problem.strerror)
        ) from problem


def read_certificate(path: Path) -> x509.Certificate:
    """Returns the certificate in a file, PEM or DER; of several the first. Raises FileProblem."""
    data = _bytes_of(path)
    try:
        if data.lstrip().startswith(b"-----BEGIN"):
            return x509.load_pem_x509_certificates(data)[0]
        return x509.load_der_x509_certificate(data)
    except ValueError as problem:
        raise FileProblem(_("{file} holds no readable certificate").format(file=path)) from problem


def _digest(text: str) -> bytes:
    if _SHA256.fullmatch(text):
        return bytes.fromhex(text)
    if not Path(text).exists():
        raise typer.BadParameter(
            _("must be 64 hexadecimal digits, or a file with the certificate"), param_hint="CERTIFICATE"
        )
    return read_certificate(Path(text)).fingerprint(SHA256())


def _end(item: sender_admin_pb2.CertificateBinding) -> datetime:
    return item.expire_time.ToDatetime(tzinfo=UTC)


def _is_ending(item: sender_admin_pb2.CertificateBinding, now: datetime, soon: timedelta) -> bool:
    return not item.HasField("revoke_time") and now <= _end(item) <= now + soon


def _state(item: sender_admin_pb2.CertificateBinding, now: datetime, soon: timedelta) -> str:
    if item.HasField("revoke_time"):
        return _("revoked")
    if _end(item) < now:
        return _("expired")
    return _("ends soon") if _is_ending(item, now, soon) else _("active")


def _show(run: Run, found: sender_admin_pb2.CertificateBinding) -> ExitCode:
    run.screen.result({"binding": shapes_admin.binding(found)})
    run.screen.fields(
        (
            (N_("Subject"), found.certificate_subject),
            (N_("SHA-256"), found.certificate_sha256.hex()),
            (N_("For"), found.sender_address_id or _("all addresses")),
            (N_("Ends"), shapes.when(found.expire_time, found.HasField("expire_time"))),
            (N_("Bound"), shapes.when(found.bind_time, found.HasField("bind_time"))),
            (N_("Revoked"), shapes.when(found.revoke_time, found.HasField("revoke_time"))),
        )
    )
    return ExitCode.OK

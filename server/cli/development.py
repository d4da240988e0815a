"""`namak-server dev`: a throwaway world, and who is registered in it."""

import shlex
import shutil
import sys
from pathlib import Path

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from server import bootstrap
from server.cli.endings import fail, load, run, told
from server.config import Settings
from server.dev.examples import EXAMPLES, Example
from server.dev.world import World, WorldExists
from server.domain.administration import CommandLine
from server.domain.networks import network
from server.domain.senders import ContractState
from server.jurisdictions import PROFILES
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.certificates import BindCertificate
from server.usecases.domains import RegisterDomain
from server.usecases.mailbox_register import OpenMailbox
from server.usecases.organisations import RegisterOrganisation, SetContractState
from server.usecases.sender_addresses import RegisterSenderAddress
from server.usecases.sender_admin import SenderAdmin


def make_world(directory: Path, listen: str, profile: str) -> None:
    """Makes a development world and says how to go on."""
    if profile not in PROFILES:
        fail(f"no profile {profile!r}; there are {', '.join(PROFILES)}")
    example = EXAMPLES[profile]
    with told(f"{directory}: "):
        try:
            world = World.create(directory, profile)
        except WorldExists as problem:
            fail(str(problem))
        settings = world.write_settings(listen=listen)
        for name, identity in (
            ("operator", world.operator),
            ("agency", world.agency),
            ("other-agency", world.other_agency),
        ):
            world.write_client(name, identity, listen)
        world.write_client("citizen", world.citizen.authentication, listen, signs=True)
        letter = directory / "letter.txt"
        letter.write_text(example.letter, encoding="utf-8")
    server, client = _program("namak-server"), _program("namak")
    file = {name: shlex.quote(str(directory / f"{name}.toml")) for name in ("agency", "citizen")}
    typer.echo(
        f"Made. Register an agency and a mailbox, and start the server:\n"
        f"  {server} dev register --config {shlex.quote(str(settings))}\n"
        f"  {server} serve --config {shlex.quote(str(settings))}\n"
        f"Then, in another terminal, send a letter and look for it:\n"
        f"  {client} --config {file['agency']} send --from {example.sender} --to {_recipient(profile)} "
        f"--subject {example.subject} {shlex.quote(str(letter))}\n"
        f"  {client} --config {file['citizen']} inbox"
    )


def _program(name: str) -> str:
    """Returns how to call a program of this installation from here."""
    beside = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if not beside.exists() or (found is not None and Path(found).resolve() == beside.resolve()):
        return name
    return shlex.quote(str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside))


def register(settings: Path) -> None:
    """Registers the world's operator, an agency that may send, and a citizen's mailbox."""
    loaded = load(settings)
    if not loaded.development:
        fail(f"{settings} is not for development: there the operator registers who may send, and mailboxes")
    # Where `World` puts them: all certificates lie beside the server's.
    place = loaded.server.certificate.parent
    with told():
        operator, agency = _der(place / "operator.pem"), _der(place / "agency.pem")
    run(_register(loaded, operator, agency))


def _der(path: Path) -> bytes:
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)


async def _register(settings: Settings, operator: bytes, agency: bytes) -> None:
    example, recipient = EXAMPLES[settings.profile], _recipient(settings.profile)
    async with bootstrap.database_url(settings) as url:
        database = Database(url, pool_size=2)
        try:
            uow = SqlUnitOfWork(database)
            admin = bootstrap.sender_admin(settings, uow)
            await admin.certificates.bind_operator(operator, CommandLine())
            await _register_agency(admin, agency, example)
            await bootstrap.mailboxes(settings, uow).open_mailbox(
                OpenMailbox(CommandLine(), "dev-register-mailbox", recipient)
            )
        finally:
            await database.dispose()
    typer.echo(
        f"Registered: the operator; {example.agency}, as {example.sender} from 127.0.0.1; "
        f"the mailbox {recipient}."
    )


def _recipient(profile: str) -> str:
    return f"{EXAMPLES[profile].citizen.personal_number}@{PROFILES[profile].mailbox_domain}"


async def _register_agency(admin: SenderAdmin, certificate: bytes, example: Example) -> None:
    # The request ids make it a repetition the next time, which changes nothing.
    by = CommandLine()
    registered = await admin.organisations.register_organisation(
        RegisterOrganisation(by, "dev-register-organisation", example.agency_code, example.agency)
    )
    organisation_id = registered.organisation.id
    await admin.organisations.set_contract_state(
        SetContractState(by, "dev-register-contract", organisation_id, ContractState.IN_FORCE)
    )
    await admin.domains.register_domain(
        RegisterDomain(by, "dev-register-domain", organisation_id, example.domain, "development")
    )
    networks = (network("127.0.0.1/32", development=True),)
    await admin.addresses.register_sender_address(
        RegisterSenderAddress(
            by, "dev-register-address", organisation_id, example.sender, networks, sms_permitted=False
        )
    )
    await admin.certificates.bind_certificate(
        BindCertificate(by, "dev-register-certificate", organisation_id, None, certificate)
    )

"""`namak-server dev`: a throwaway world, and who is registered in it."""

import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from server import bootstrap
from server.bootstrap_machine import SystemClock, SystemEntropy
from server.bootstrap_registration import registration
from server.cli import settling
from server.cli.endings import fail, load, run, told
from server.cli.settling import Certificates, EntityOfTheWorld
from server.config import Settings
from server.dev.examples import EXAMPLES, Example
from server.dev.paper import with_paper_and_notices
from server.dev.timestamp_server import openssl
from server.dev.timestamps import make_timestamp_authority, with_timestamps
from server.dev.witnesses import free_ports, make_witnesses, with_witnesses, write_policies
from server.dev.world import AUTHENTICATION_KEY, CARD_KEY, PORTAL_NAME, PRINT_HOUSE_NAME, World, WorldExists
from server.domain.administration import CommandLine
from server.domain.caller import Connection, Operator
from server.domain.networks import network
from server.domain.senders import ContractState
from server.jurisdictions import PROFILES
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.certificates import BindCertificate, BindPrintHouse
from server.usecases.domains import RegisterDomain
from server.usecases.mailbox_register import OpenMailbox
from server.usecases.organisations import RegisterOrganisation, SetContractState, UpdateOrganisation
from server.usecases.print_houses import PrintHouseRegister, RegisterPrintHouse
from server.usecases.sender_addresses import RegisterSenderAddress
from server.usecases.sender_admin import SenderAdmin

_MAIL_PORT = 8587
_NOTICE_PORT = 8447
_WITNESS_PORT = 7381
_TIMESTAMP_PORT = 3161


def make_world(
    directory: Path, listen: str, profile: str, witnesses: int = 0, *, timestamps: bool = False
) -> None:
    """Makes a development world, its log with so many witnesses and, if asked to, a time-stamping authority;
    and says how to go on.
    """
    if profile not in PROFILES:
        fail(f"no profile {profile!r}; there are {', '.join(PROFILES)}")
    example = EXAMPLES[profile]
    with told():
        if timestamps:
            openssl()
    with told(f"{directory}: "):
        try:
            world = World.create(directory, profile)
        except WorldExists as problem:
            fail(str(problem))
        made = _Made(world, example, world.write_settings(listen=listen), listen, witnesses, timestamps)
        _write_settings(made)
        _write_clients(made)
        made.letter.write_text(example.letter, encoding="utf-8")
    typer.echo(_how_to_go_on(made))


@dataclass(frozen=True)
class _Made:
    """A world, and what was asked for with it."""

    world: World
    example: Example
    settings: Path
    listen: str
    witnesses: int
    timestamps: bool

    @property
    def free(self) -> bool:
        """Whether everything listens on ports that are free."""
        return self.listen.endswith(":0")

    @property
    def mail(self) -> str:
        """Where mail clients find the server."""
        return self.listen if self.free else f"{self.listen.rpartition(':')[0]}:{_MAIL_PORT}"

    @property
    def letter(self) -> Path:
        """A letter to send."""
        return self.world.directory / "letter.txt"


def _write_settings(made: _Made) -> None:
    """Adds what the world's server does besides, and makes those beside it."""
    world, settings = made.world, made.settings
    with settings.open("a", encoding="utf-8") as file:
        file.write(f'\n[inbound_mail]\nin_server = true\nspf = false\nlisten = "{made.mail}"\n')
    notices = f"127.0.0.1:{0 if made.free else _NOTICE_PORT}"
    with_paper_and_notices(settings, made.example.return_address, notices)
    if made.witnesses:
        found = make_witnesses(world, made.witnesses)
        ports = free_ports(len(found)) if made.free else range(_WITNESS_PORT, 65_536)
        urls = [f"http://127.0.0.1:{port}" for port, _ in zip(ports, found, strict=False)]
        with_witnesses(settings, write_policies(world, list(zip(found, urls, strict=True))))
    if made.timestamps:
        make_timestamp_authority(world)
        (port,) = free_ports(1) if made.free else (_TIMESTAMP_PORT,)
        with_timestamps(settings, world, f"http://127.0.0.1:{port}")


def _write_clients(made: _Made) -> None:
    """Writes a configuration for each who calls."""
    world = made.world
    for name, identity in (
        ("operator", world.operator),
        ("agency", world.agency),
        ("other-agency", world.other_agency),
        ("portal", world.portal),
        ("clerk", world.clerk),
        ("print-house", world.print_house),
    ):
        world.write_client(name, identity, made.listen)
    world.write_client("citizen", world.citizen.authentication, made.listen, signs=True)
    world.write_client("other-citizen", world.other_citizen.authentication, made.listen, signs=True)


def _how_to_go_on(made: _Made) -> str:
    world, example, directory = made.world, made.example, made.world.directory
    server, client = _program("namak-server"), _program("namak")
    settings, letter = shlex.quote(str(made.settings)), shlex.quote(str(made.letter))
    agency, citizen = (shlex.quote(str(directory / f"{name}.toml")) for name in ("agency", "citizen"))
    return (
        f"Made. Register everybody, and start the server:\n"
        f"  {server} dev register --config {settings}\n"
        f"{_in_background(server, 'witnesses', made.settings) if made.witnesses else ''}"
        f"{_in_background(server, 'timestamps', made.settings) if made.timestamps else ''}"
        f"  {server} serve --config {settings}\n"
        f"Then, in another terminal, send a letter and look for it:\n"
        f"  {client} --config {agency} send --from {example.sender} --to {example.citizen_address} "
        f"--subject {example.subject} {letter}\n"
        f"  {client} --config {citizen} inbox\n"
        f"{_with_quorum(client, agency, world) if made.witnesses else ''}"
        f"{_with_timestamps(client, agency, world) if made.timestamps else ''}"
        f"Or send it with an ordinary mail client, such as swaks (docs/mail.md):\n"
        f"  swaks --server {made.mail} --tls --from {example.sender} --to {example.citizen_address} "
        f"--header 'Subject: {example.subject}' --body . --attach-type text/plain "
        f"--attach @{letter}\n"
        f"Who there is, each with a configuration in {directory}:\n{_people(example)}\n"
        f"Both cards are software tokens with two keys, {AUTHENTICATION_KEY} and {CARD_KEY}; "
        f"their PINs are in card/citizen-card.pin and other-card/other-citizen-card.pin. "
        f"docs/portals.md has a portal's back end to begin with."
    )


def _in_background(server: str, command: str, settings: Path) -> str:
    return f"  {server} dev {command} --config {shlex.quote(str(settings))} &\n"


def _with_quorum(client: str, agency: str, world: World) -> str:
    policy, receipts = (
        shlex.quote(str(path)) for path in (world.witnessed_policy, world.directory / "witnessed")
    )
    return (
        f"Get its receipts once the witnesses have seen them, and verify them by their quorum:\n"
        f"  {client} --config {agency} receipt --delivery ID --witnessed -o {receipts}\n"
        f"  {client} --config {agency} verify {receipts} --log-policy {policy}\n"
    )


def _with_timestamps(client: str, agency: str, world: World) -> str:
    roots, receipts = (shlex.quote(str(path)) for path in (world.tsa_roots, world.directory / "timestamped"))
    return (
        f"Get them once the time-stamping authority has stamped the log, and verify them by its root:\n"
        f"  {client} --config {agency} receipt --delivery ID --timestamped -o {receipts}\n"
        f"  {client} --config {agency} verify {receipts} --tsa-roots {roots}\n"
    )


def _people(example: Example) -> str:
    citizen, other = (
        f"{person.given_name} {person.surname}" for person in (example.citizen, example.other_citizen)
    )
    entity = f"{example.entity.name}, {example.entity_address}"
    rows = (
        ("operator.toml", "the operator"),
        ("agency.toml", f"{example.agency}, sends as {example.sender}"),
        ("other-agency.toml", "an agency that is not registered"),
        ("clerk.toml", "a clerk of the post, who scans letters on paper"),
        ("print-house.toml", "a print house, which prints letters on paper (docs/letters-on-paper.md)"),
        ("portal.toml", f"the back end of the portal {PORTAL_NAME}, at which people sign in"),
        ("citizen.toml", f"{citizen}, {example.citizen_address}, with a card; signatory of {entity}"),
        (
            "other-citizen.toml",
            f"{other}, {example.other_citizen_address}, with a card; may read and confirm for {entity}",
        ),
    )
    return "\n".join(f"  {name:<20}{who}" for name, who in rows)


def _program(name: str) -> str:
    """Returns how to call a program of this installation from here."""
    beside = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if not beside.exists() or (found is not None and Path(found).resolve() == beside.resolve()):
        return name
    return shlex.quote(str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside))


def register(settings: Path) -> None:
    """Registers the world's operator, an agency that may send, two citizens' mailboxes, a portal, and an
    entity with its people.
    """
    loaded = _for_development(settings)
    run(_register(loaded, _certificates(loaded)))


def settle_world(settings: Path) -> None:
    """Registers the world's portal and entity alone; its operator is bound."""
    loaded = _for_development(settings)
    run(_settle_alone(loaded, _certificates(loaded)))


def _for_development(settings: Path) -> Settings:
    loaded = load(settings)
    if not loaded.development:
        fail(f"{settings} is not for development: there the operator registers who may send, and mailboxes")
    return loaded


def _certificates(settings: Settings) -> Mapping[str, bytes]:
    # Where `World` puts them: all certificates lie beside the server's.
    place = settings.server.certificate.parent
    with told():
        names = ("operator", "agency", "portal", "clerk", "print-house", "citizen-authentication")
        return {name: _der(place / f"{name}.pem") for name in names}


def _der(path: Path) -> bytes:
    return x509.load_pem_x509_certificate(path.read_bytes()).public_bytes(Encoding.DER)


async def _settle(
    settings: Settings, uow: SqlUnitOfWork, certificates: Mapping[str, bytes], *, people: bool = False
) -> None:
    """Registers the portal, the print house and the entity of a world whose operator is bound; with `people`
    also what the post knows of the citizens, who have mailboxes.
    """
    profile = PROFILES[settings.profile]
    entities = registration(
        profile=profile,
        uow=uow,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        wake_log=lambda: None,  # the servers' leader looks for itself
        signatures=bootstrap.citizen_pki(settings),
        registers=EntityOfTheWorld(EXAMPLES[profile.code]),
    )
    named = Certificates(
        operator_sha256=sha256(certificates["operator"]).digest(),
        portal=certificates["portal"],
        citizen_sha256=sha256(certificates["citizen-authentication"]).digest(),
    )
    registers = bootstrap.registers(settings, uow)
    await registers.senders.certificates.bind_clerk(certificates["clerk"], CommandLine())
    await settling.settle(registers, entities, profile, named)
    by = Operator(Connection(named.operator_sha256, settling.HERE))
    letters = PrintHouseRegister(
        administration=registers.administration, uow=uow, clock=SystemClock(), entropy=SystemEntropy()
    )
    house = (await letters.register(RegisterPrintHouse(by, "dev-register-house", PRINT_HOUSE_NAME))).house
    await registers.senders.certificates.bind_print_house(
        BindPrintHouse(by, "dev-register-press", house.id, certificates["print-house"])
    )
    if people:
        await settling.fill_in(entities, profile, by)


async def _settle_alone(settings: Settings, certificates: Mapping[str, bytes]) -> None:
    async with bootstrap.database_url(settings) as url:
        database = Database(url, pool_size=2)
        try:
            await _settle(settings, SqlUnitOfWork(database), certificates)
        finally:
            await database.dispose()


async def _register(settings: Settings, certificates: Mapping[str, bytes]) -> None:
    example = EXAMPLES[settings.profile]
    async with bootstrap.database_url(settings) as url:
        database = Database(url, pool_size=2)
        try:
            uow = SqlUnitOfWork(database)
            admin = bootstrap.sender_admin(settings, uow)
            await admin.certificates.bind_operator(certificates["operator"], CommandLine())
            await _register_agency(admin, certificates["agency"], example)
            await bootstrap.mailboxes(settings, uow).open_mailbox(
                OpenMailbox(CommandLine(), "dev-register-mailbox", example.citizen_address)
            )
            await bootstrap.mailboxes(settings, uow).open_mailbox(
                OpenMailbox(CommandLine(), "dev-register-other-mailbox", example.other_citizen_address)
            )
            await _settle(settings, uow, certificates, people=True)
        finally:
            await database.dispose()
    typer.echo(
        f"Registered: the operator; {example.agency}, as {example.sender} from 127.0.0.1; "
        f"the mailboxes {example.citizen_address} and {example.other_citizen_address}; the portal "
        f"{PORTAL_NAME}; a clerk; a print house; {example.entity.name}, with the mailbox "
        f"{example.entity_address}, a signatory and a delegate."
    )


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
    profile = PROFILES[example.profile]
    usual = profile.notification_policy
    policies = (usual, *(each for each in profile.notification_policies if each != usual))
    await admin.organisations.update_organisation(
        UpdateOrganisation(by, "dev-register-policies", organisation_id, None, "", policies)
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

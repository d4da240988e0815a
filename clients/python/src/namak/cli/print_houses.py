"""``namak admin print-house``."""

from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from namak.cli import shapes
from namak.cli.app import Run
from namak.cli.asking import agreed
from namak.cli.binding import read_certificate
from namak.cli.codes import ExitCode
from namak.cli.naming import is_identifier, named_id
from namak.cli.shapes import Shape
from namak.cli.texts import N_, _
from namak.client import Client
from namak.client.paging import first
from namak.errors import NotFound
from namak.v1 import letter_pb2

_STATES = {
    letter_pb2.PRINT_HOUSE_STATE_ACTIVE: N_("active"),
    letter_pb2.PRINT_HOUSE_STATE_SUSPENDED: N_("suspended"),
    letter_pb2.PRINT_HOUSE_STATE_REMOVED: N_("removed"),
}


async def register(run: Run, name: str, request_id: str | None) -> ExitCode:
    """Registers a print house."""
    async with run.client() as post:
        found = await post.printing.register_house(name, request_id=named_id(run.screen, request_id))
    return _shown(run, found)


async def bind(run: Run, house: str, file: Path, request_id: str | None) -> ExitCode:
    """Binds a certificate as a print house's."""
    certificate = read_certificate(file).public_bytes(Encoding.DER)
    async with run.client() as post:
        found = await _named(post, house)
        bound = await post.printing.bind_certificate(
            found.print_house_id, certificate, request_id=named_id(run.screen, request_id)
        )
    return _shown(run, bound)


async def houses(run: Run, limit: int) -> ExitCode:
    """Lists the print houses."""
    async with run.client() as post:
        found = await first(limit, post.printing.houses())
    run.screen.result({"print_houses": [_shape(each) for each in found]})
    run.screen.table(
        (N_("PRINT HOUSE"), N_("NAME"), N_("STATE"), N_("REGISTERED"), N_("CERTIFICATES")),
        [
            (
                each.print_house_id,
                each.display_name,
                _(_STATES.get(each.state, "?")),
                shapes.when(each.register_time),
                str(sum(_state(one) == "active" for one in each.certificates)),
            )
            for each in found
        ],
    )
    return ExitCode.OK


async def show(run: Run, house: str) -> ExitCode:
    """Shows a print house with its certificates."""
    async with run.client() as post:
        found = await _named(post, house)
    return _shown(run, found)


async def suspend(run: Run, house: str, request_id: str | None) -> ExitCode:
    """Suspends a print house."""
    async with run.client() as post:
        found = await _named(post, house)
        changed = await post.printing.suspend_house(
            found.print_house_id, request_id=named_id(run.screen, request_id)
        )
    return _shown(run, changed)


async def resume(run: Run, house: str, request_id: str | None) -> ExitCode:
    """Lets a print house go on."""
    async with run.client() as post:
        found = await _named(post, house)
        changed = await post.printing.resume_house(
            found.print_house_id, request_id=named_id(run.screen, request_id)
        )
    return _shown(run, changed)


async def remove(run: Run, house: str, request_id: str | None, *, yes: bool) -> ExitCode:
    """Removes a print house, after asking."""
    question = _("Remove the print house {house} for ever, with its certificates?").format(house=house)
    if not agreed(run, question, yes=yes):
        return ExitCode.REFUSED
    async with run.client() as post:
        found = await _named(post, house)
        changed = await post.printing.remove_house(
            found.print_house_id, request_id=named_id(run.screen, request_id)
        )
    return _shown(run, changed)


async def _named(post: Client, text: str) -> letter_pb2.PrintHouse:
    """Returns the print house that is named by its identifier or by its name. Raises NotFound."""
    if is_identifier(text):
        return await post.printing.house(text)
    async for found in post.printing.houses(page_size=200):
        if found.display_name == text:
            return found
    raise NotFound(_("no print house is called {name}").format(name=text))


def _shown(run: Run, found: letter_pb2.PrintHouse) -> ExitCode:
    run.screen.result({"print_house": _shape(found)})
    run.screen.fields(
        (
            (N_("Print house"), found.print_house_id),
            (N_("Name"), found.display_name),
            (N_("State"), _(_STATES.get(found.state, "?"))),
            (N_("Registered"), shapes.when(found.register_time)),
        )
    )
    run.screen.table(
        (N_("CERTIFICATE"), N_("ISSUED TO"), N_("BOUND"), N_("ENDS"), N_("STATE")),
        [
            (
                each.certificate_sha256.hex(),
                each.certificate_subject,
                shapes.when(each.bind_time),
                shapes.when(each.expire_time),
                _(_state(each)),
            )
            for each in found.certificates
        ],
    )
    return ExitCode.OK


def _shape(found: letter_pb2.PrintHouse) -> Shape:
    return {
        "print_house_id": found.print_house_id,
        "display_name": found.display_name,
        "state": letter_pb2.PrintHouseState.Name(found.state).removeprefix("PRINT_HOUSE_STATE_"),
        "register_time": shapes.time_of(found.register_time),
        "certificates": [
            {
                "certificate_sha256": each.certificate_sha256.hex(),
                "certificate_subject": each.certificate_subject,
                "expire_time": shapes.time_of(each.expire_time),
                "bind_time": shapes.time_of(each.bind_time),
                "revoke_time": shapes.time_of(each.revoke_time, each.HasField("revoke_time")),
            }
            for each in found.certificates
        ],
    }


def _state(found: letter_pb2.PrintHouseCertificate) -> str:
    """Returns whether a certificate counts, as a text of the catalogue."""
    if found.HasField("revoke_time"):
        return N_("revoked")
    over = found.expire_time.ToDatetime(UTC) <= datetime.now(UTC)
    return N_("expired") if over else N_("active")

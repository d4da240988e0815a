"""Names that people type, and the identifiers that the contract takes."""

import uuid

import typer

from namak.cli.app import Run
from namak.cli.screen import Screen
from namak.cli.texts import _
from namak.client import Client
from namak.client.letters import new_request_id
from namak.errors import NotFound
from namak.v1 import identity_pb2, sender_admin_pb2


def is_identifier(text: str) -> bool:
    """Returns whether a text is a UUID."""
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def named_id(screen: Screen, given: str | None) -> str:
    """Returns the request id to use, and says one that was made up, so that the command can be repeated."""
    if given is not None:
        return given
    made = new_request_id()
    screen.note(_("request id {id}").format(id=made))
    return made


async def organisation_id(post: Client, text: str) -> str:
    """Returns the identifier of an organisation that is named by it or by its code. Raises NotFound."""
    if is_identifier(text):
        return text
    async for found in post.admin.organisations(code=text, page_size=1):
        return found.organisation_id
    raise NotFound(_("no organisation with the code {code} that you may see").format(code=text))


async def acting_organisation(run: Run, post: Client, given: str | None) -> str:
    """Returns the organisation that an administrator acts for, empty for everybody else."""
    named = given or run.connection().acting_as
    return "" if not named else await organisation_id(post, named)


async def owner(post: Client, given: str | None, acting_as: str) -> str:
    """Returns the organisation that an act is about: the one named, else the one acted for.

    Raises BadParameter when there is neither.
    """
    if given is not None:
        return await organisation_id(post, given)
    if not acting_as:
        raise typer.BadParameter(
            _("name the organisation, by its identifier or its code"), param_hint="--org"
        )
    return acting_as


async def sender_address(post: Client, text: str, acting_as: str) -> sender_admin_pb2.SenderAddress:
    """Returns the sender address that is named by its identifier or by itself. Raises NotFound."""
    if is_identifier(text):
        return await post.admin.sender_address(text, acting_as=acting_as)
    wanted = text.casefold()
    domain = wanted.rpartition("@")[2]
    async for found in post.admin.sender_addresses(domain=domain, acting_as=acting_as, page_size=200):
        if found.address == wanted:
            return found
    raise NotFound(_("no sender address {address} that you may see").format(address=text))


async def portal(post: Client, text: str) -> identity_pb2.RegisteredPortal:
    """Returns the portal that is named by its identifier or by its name. Raises NotFound."""
    if is_identifier(text):
        return await post.identity.portal(text)
    async for found in post.identity.portals(page_size=200):
        if found.display_name == text:
            return found
    raise NotFound(_("no portal {name}").format(name=text))

"""``namak admin address``."""

from collections.abc import Sequence
from dataclasses import dataclass

import typer

from namak.cli import shapes, shapes_admin
from namak.cli.app import Run
from namak.cli.asking import agreed
from namak.cli.codes import ExitCode
from namak.cli.given import naming
from namak.cli.naming import acting_organisation, named_id, owner, sender_address
from namak.cli.texts import N_, _
from namak.client.paging import first
from namak.v1 import sender_admin_pb2


@dataclass(frozen=True, slots=True)
class ListChange:
    """What shall become of a list of values: replaced, or some more and some less."""

    instead: Sequence[str] | None
    more: Sequence[str]
    less: Sequence[str]

    @property
    def is_empty(self) -> bool:
        """Whether nothing shall change."""
        return self.instead is None and not self.more and not self.less

    def applied(self, values: Sequence[str], hint: str) -> Sequence[str] | None:
        """Returns the new values, or None when nothing shall change.

        Raises BadParameter for a value to be taken away that is not there, and for a contradiction.
        """
        if self.is_empty:
            return None
        if self.instead is not None and (self.more or self.less):
            raise typer.BadParameter(
                _("replaces all there are, and can't be given beside single changes"), param_hint=hint
            )
        if absent := [value for value in self.less if value not in values]:
            raise typer.BadParameter(
                _("not there: {values}").format(values=", ".join(absent)), param_hint=hint
            )
        kept = [value for value in values if value not in self.less] if self.instead is None else self.instead
        return list(dict.fromkeys([*kept, *self.more]))


@dataclass(frozen=True, slots=True)
class Change:
    """What shall become of an address."""

    networks: ListChange
    host_names: ListChange
    sms: bool | None


async def address_list(
    run: Run,
    org: str | None,
    domain: str,
    suspended: bool | None,
    sms: bool | None,
    acting_as: str | None,
    limit: int,
) -> ExitCode:
    """Lists addresses."""
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        found = await first(
            limit,
            post.admin.sender_addresses(
                organisation_id=await owner(post, org, acting) if org is not None else "",
                domain=domain,
                suspended=suspended,
                sms_permitted=sms,
                acting_as=acting,
                page_size=min(limit, 200),
            ),
        )
    run.screen.result({"sender_addresses": [shapes_admin.sender_address(item) for item in found]})
    run.screen.table(
        (N_("ADDRESS"), N_("FROM WHERE"), N_("SMS"), N_("STATE"), N_("ID")),
        [
            (
                item.address,
                " ".join([*item.networks, *item.host_names]),
                _("yes") if item.sms_permitted else "",
                _state(item),
                item.sender_address_id,
            )
            for item in found
        ],
    )
    return ExitCode.OK


async def address_show(run: Run, address: str, acting_as: str | None) -> ExitCode:
    """Shows an address."""
    async with run.client() as post:
        found = await sender_address(post, address, await acting_organisation(run, post, acting_as))
    return _show(run, found)


async def address_register(
    run: Run,
    org: str | None,
    address: str,
    networks: Sequence[str],
    host_names: Sequence[str],
    acting_as: str | None,
    request_id: str | None,
    *,
    sms: bool,
) -> ExitCode:
    """Registers an address."""
    if not networks and not host_names:
        raise typer.BadParameter(_("name at least one network or host name"), param_hint="--network")
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        of = await owner(post, org, acting)
        with naming({"networks": networks, "host_names": host_names}):
            found = await post.admin.register_sender_address(
                of,
                address=address,
                networks=networks,
                host_names=host_names,
                sms_permitted=sms,
                acting_as=acting,
                request_id=named_id(run.screen, request_id),
            )
    return _show(run, found)


async def address_update(
    run: Run,
    address: str,
    change: Change,
    acting_as: str | None,
    request_id: str | None,
    *,
    dry_run: bool,
) -> ExitCode:
    """Changes an address as it was when it was looked at: what somebody else changes meanwhile stays."""
    if change.networks.is_empty and change.host_names.is_empty and change.sms is None:
        raise typer.BadParameter(_("nothing to change is named"), param_hint="--network")
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        before = await sender_address(post, address, acting)
        networks = change.networks.applied(before.networks, "--network")
        host_names = change.host_names.applied(before.host_names, "--host")
        if dry_run:
            _show_changes(run, before, networks, host_names, change.sms)
            document = dict(shapes_admin.sender_address(before))
            document.update(networks=list(before.networks if networks is None else networks))
            document.update(host_names=list(before.host_names if host_names is None else host_names))
            document.update(sms_permitted=before.sms_permitted if change.sms is None else change.sms)
            run.screen.result({"dry_run": True, "checked_by_post": False, "sender_address": document})
            run.screen.note(_("Nothing was changed. The post has not checked this; it may refuse it."))
            return ExitCode.OK
        with naming({"networks": networks, "host_names": host_names}):
            found = await post.admin.update_sender_address(
                before.sender_address_id,
                networks=networks,
                host_names=host_names,
                sms_permitted=change.sms,
                etag=before.etag if request_id is None else "",
                acting_as=acting,
                request_id=named_id(run.screen, request_id),
            )
    _show_changes(run, before, networks, host_names, change.sms)
    return _show(run, found)


async def address_suspend(
    run: Run, address: str, acting_as: str | None, request_id: str | None, *, yes: bool
) -> ExitCode:
    """Suspends an address, after asking."""
    if not agreed(run, _("Stop {address} from sending?").format(address=address), yes=yes):
        return ExitCode.REFUSED
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        found = await sender_address(post, address, acting)
        found = await post.admin.suspend_sender_address(
            found.sender_address_id, acting_as=acting, request_id=named_id(run.screen, request_id)
        )
    return _show(run, found)


async def address_resume(run: Run, address: str, acting_as: str | None, request_id: str | None) -> ExitCode:
    """Resumes an address."""
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        found = await sender_address(post, address, acting)
        found = await post.admin.resume_sender_address(
            found.sender_address_id, acting_as=acting, request_id=named_id(run.screen, request_id)
        )
    return _show(run, found)


async def address_delete(
    run: Run, address: str, acting_as: str | None, request_id: str | None, *, yes: bool
) -> ExitCode:
    """Deletes an address, after asking."""
    question = _("Delete {address}? Certificates bound to it alone are revoked.").format(address=address)
    if not agreed(run, question, yes=yes):
        return ExitCode.REFUSED
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        found = await sender_address(post, address, acting)
        await post.admin.delete_sender_address(
            found.sender_address_id,
            etag=found.etag if request_id is None else "",
            acting_as=acting,
            request_id=named_id(run.screen, request_id),
        )
    run.screen.result({"deleted": {"sender_address_id": found.sender_address_id, "address": found.address}})
    run.screen.line(_("Deleted: {what}").format(what=found.address))
    return ExitCode.OK


def _show(run: Run, found: sender_admin_pb2.SenderAddress) -> ExitCode:
    run.screen.result({"sender_address": shapes_admin.sender_address(found)})
    run.screen.fields(
        (
            (N_("Address"), found.address),
            (N_("Networks"), ", ".join(found.networks)),
            (N_("Host names"), ", ".join(found.host_names)),
            (N_("SMS"), _truth(found.sms_permitted)),
            (N_("State"), _state(found)),
            (N_("Registered"), shapes.when(found.registration_time, found.HasField("registration_time"))),
            (N_("Organisation"), found.organisation_id),
            (N_("Identifier"), found.sender_address_id),
        )
    )
    return ExitCode.OK


def _show_changes(
    run: Run,
    before: sender_admin_pb2.SenderAddress,
    networks: Sequence[str] | None,
    host_names: Sequence[str] | None,
    sms: bool | None,
) -> None:
    _show_change(run, N_("Networks"), before.networks, networks)
    _show_change(run, N_("Host names"), before.host_names, host_names)
    if sms is not None:
        _show_change(run, N_("SMS"), [_truth(before.sms_permitted)], [_truth(sms)])


def _show_change(run: Run, name: str, before: Sequence[str], after: Sequence[str] | None) -> None:
    if after is None or list(after) == list(before):
        return
    run.screen.note(f"{_(name)}: {', '.join(before) or '-'} → {', '.join(after) or '-'}")


def _state(found: sender_admin_pb2.SenderAddress) -> str:
    if found.suspended_by_operator:
        return _("suspended by the operator")
    return _("suspended") if found.suspended else _("active")


def _truth(value: bool) -> str:
    return _("yes") if value else _("no")

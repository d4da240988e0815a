"""``namak admin domain``."""

from namak.cli import shapes, shapes_admin
from namak.cli.app import Run
from namak.cli.asking import agreed
from namak.cli.codes import ExitCode
from namak.cli.naming import acting_organisation, named_id, owner
from namak.cli.texts import N_, _
from namak.client.paging import first
from namak.v1 import sender_admin_pb2


async def domain_list(run: Run, org: str | None, acting_as: str | None, limit: int) -> ExitCode:
    """Lists domains."""
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        found = await first(
            limit,
            post.admin.domains(await owner(post, org, acting), acting_as=acting, page_size=min(limit, 200)),
        )
    run.screen.result({"domains": [shapes_admin.domain(item) for item in found]})
    run.screen.table(
        (N_("DOMAIN"), N_("PROOF"), N_("REGISTERED")),
        [
            (item.name, _(shapes_admin.proof_name(item.proof)), shapes.when(item.registration_time))
            for item in found
        ],
    )
    return ExitCode.OK


async def domain_register(
    run: Run, org: str | None, name: str, document: str, request_id: str | None
) -> ExitCode:
    """Registers a domain by a document."""
    async with run.client() as post:
        found = await post.admin.register_domain(
            await owner(post, org, ""),
            name=name,
            document_reference=document,
            request_id=named_id(run.screen, request_id),
        )
    return _show(run, found)


async def domain_request_proof(run: Run, org: str | None, name: str, acting_as: str | None) -> ExitCode:
    """Shows the record to set."""
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        found = await post.admin.request_domain_proof(
            await owner(post, org, acting), name=name, acting_as=acting
        )
    run.screen.result(
        {
            "record_name": found.record_name,
            "record_text": found.record_text,
            "expire_time": shapes.time_of(found.expire_time, found.HasField("expire_time")),
        }
    )
    run.screen.note(_("Put this TXT record into the DNS, then: namak admin domain prove"))
    run.screen.line(f'{found.record_name}. IN TXT "{found.record_text}"')
    run.screen.note(
        _("It is good until {time}.").format(
            time=shapes.when(found.expire_time, found.HasField("expire_time"))
        )
    )
    return ExitCode.OK


async def domain_prove(
    run: Run, org: str | None, name: str, acting_as: str | None, request_id: str | None
) -> ExitCode:
    """Registers a domain by its record."""
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        found = await post.admin.prove_domain(
            await owner(post, org, acting),
            name=name,
            acting_as=acting,
            request_id=named_id(run.screen, request_id),
        )
    return _show(run, found)


async def domain_delete(
    run: Run, org: str | None, name: str, acting_as: str | None, request_id: str | None, *, yes: bool
) -> ExitCode:
    """Gives a domain up, after asking."""
    if not agreed(run, _("Give up the domain {name}?").format(name=name), yes=yes):
        return ExitCode.REFUSED
    async with run.client() as post:
        acting = await acting_organisation(run, post, acting_as)
        await post.admin.delete_domain(
            await owner(post, org, acting),
            name=name,
            acting_as=acting,
            request_id=named_id(run.screen, request_id),
        )
    run.screen.result({"deleted": {"domain": name}})
    run.screen.line(_("Deleted: {what}").format(what=name))
    return ExitCode.OK


def _show(run: Run, found: sender_admin_pb2.Domain) -> ExitCode:
    run.screen.result({"domain": shapes_admin.domain(found)})
    run.screen.fields(
        (
            (N_("Domain"), found.name),
            (N_("Proof"), _(shapes_admin.proof_name(found.proof))),
            (N_("Registered"), shapes.when(found.registration_time, found.HasField("registration_time"))),
            (N_("Organisation"), found.organisation_id),
        )
    )
    return ExitCode.OK

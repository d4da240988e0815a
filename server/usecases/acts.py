"""What was done in the registers: administrative acts, listed for those who may see them."""

from dataclasses import dataclass, replace

from namak.evidence.administrative_act import AdministrativeAct
from server.domain.administration import ActingAdministrator, Actor, absent, owns
from server.domain.facts import Fact
from server.domain.paging import Page, Query
from server.usecases.administration import Administration
from server.usecases.mailboxes import checked_times
from server.usecases.records import ActFilter, ListedAct


@dataclass(frozen=True, slots=True)
class ListActs:
    """`page_size` is checked."""

    by: Actor
    wanted: ActFilter
    page_size: int
    page_token: str


@dataclass(frozen=True, slots=True)
class ActView:
    """An act with its evidence: as it is listed, as its document says it, and the document's exact bytes."""

    listed: ListedAct
    document: AdministrativeAct
    fact: Fact


class ActRegister:
    """Lists administrative acts: for the operator all, for administrators those on their organisation's
    things.
    """

    def __init__(self, *, administration: Administration) -> None:
        self._administration = administration

    async def list_acts(self, command: ListActs) -> Page[ActView]:
        """Lists acts, the newest first, with their evidence.

        Raises:
            InvalidPageToken.
            InvalidFields: of the times, the later is not after the earlier.
            ResourceNotPermitted: an administrator asks for another organisation's.
        """
        wanted = _permitted(command.by, command.wanted)
        checked_times(wanted.since, wanted.until)
        query = Query(("ListAdministrativeActs", *_spelled(wanted)))
        before = query.identifier(command.page_token)
        async with self._administration.reading(command.by) as tx:
            found = await tx.administrative_acts.list_newest(
                wanted, before=before, limit=command.page_size + 1
            )
            shown = found[: command.page_size]
            facts = await tx.evidence.get([act.evidence_id for act in shown])
        more = len(found) > command.page_size
        views = [_view(act, facts[act.evidence_id]) for act in shown]
        return Page(views, query.token(str(shown[-1].evidence_id)) if more else "")


def _permitted(by: Actor, wanted: ActFilter) -> ActFilter:
    if not isinstance(by, ActingAdministrator):
        return wanted
    if wanted.organisation_id is not None and not owns(by, wanted.organisation_id):
        raise absent(by, "organisation", str(wanted.organisation_id))
    return replace(wanted, organisation_id=by.organisation_id)


def _spelled(wanted: ActFilter) -> tuple[str, ...]:
    return tuple(
        "" if value is None else str(value)
        for value in (
            wanted.organisation_id,
            wanted.act,
            wanted.resource,
            wanted.person_number,
            wanted.since,
            wanted.until,
        )
    )


def _view(act: ListedAct, fact: Fact) -> ActView:
    return ActView(act, AdministrativeAct.parse(fact.data), fact)

"""`namak-server mail`: where deliveries came from that came in by mail."""

import json
from pathlib import Path

import typer

from server import bootstrap
from server.cli.endings import fail, load, run
from server.config import Settings
from server.domain.fields import Malformed
from server.domain.ids import parse_id
from server.storage.database import Database
from server.storage.unit_of_work import SqlUnitOfWork
from server.usecases.mail_origin_desk import MailOriginDesk, MailOriginView

NOT_LOOKED_AT = "not looked at"


def show(settings: Path, delivery: str, *, as_json: bool) -> None:
    """Prints where a delivery came from."""
    run(_show(load(settings), delivery, as_json=as_json))


async def _show(settings: Settings, delivery: str, *, as_json: bool) -> None:
    try:
        delivery_id = parse_id(delivery)
    except Malformed as malformed:
        fail(f"DELIVERY {malformed}")
    async with bootstrap.database_url(settings) as url:
        database = Database(url, pool_size=1)
        try:
            view = await MailOriginDesk(SqlUnitOfWork(database)).show(delivery_id)
        finally:
            await database.dispose()
    if view is None:
        fail(f"there is no delivery {delivery_id}")
    if view.origin is None:
        fail(f"{delivery_id} did not come in by mail")
    told = _told(view)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for name, value in told.items():
        if name != "message_id" or value is not None:
            typer.echo(f"{name}: {_line(value)}")


def _told(view: MailOriginView) -> dict[str, object]:
    assert view.origin is not None
    checks = view.origin.checks
    return {
        "delivery": str(view.delivery.id),
        "accepted_at": view.delivery.submitted_at.isoformat(),
        "sender": view.delivery.sender,
        "message_id": view.origin.message_id,
        "dkim": None if checks is None else _result(checks.dkim, checks.dkim_domain),
        "spf": None if checks is None else _result(checks.spf, checks.spf_domain),
    }


def _result(result: str, domain: str) -> dict[str, str] | None:
    return {"result": result, "domain": domain} if result else None


def _line(value: object) -> str:
    match value:
        case {"result": str(result), "domain": str(domain)}:
            return f"{result} ({domain})" if domain else result
        case None:
            return NOT_LOOKED_AT
        case _:
            return str(value)

"""`namak-server migrate` and `operator bind`: what is done in the database, with or without a server."""

import tempfile
from pathlib import Path

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from server import bootstrap
from server.cli.endings import fail, load, run, told
from server.config import Settings
from server.domain.administration import CommandLine
from server.storage import migrate
from server.storage.database import Database
from server.storage.embedded import embedded_postgres
from server.storage.unit_of_work import SqlUnitOfWork


def migrate_tables(settings: Path | None, *, check: bool) -> None:
    """Upgrades the database, or only compares it."""
    if settings is None and not check:
        fail("give --config, or --check to compare the migrations with the tables")
    run(_migrate(load(settings) if settings else None, check=check))


async def _migrate(settings: Settings | None, *, check: bool) -> None:
    if settings is None:
        with tempfile.TemporaryDirectory() as name:
            async with embedded_postgres(Path(name) / "database", durable=False) as postgres:
                await migrate.upgrade(postgres.url)
                await _report_drift(postgres.url)
        return
    async with bootstrap.database_url(settings) as url:
        if check:
            await _report_drift(url)
        else:
            await migrate.upgrade(url)
            typer.echo(f"The database is at revision {await migrate.current(url)}.")


async def _report_drift(url: str) -> None:
    differences = await migrate.check(url)
    if differences:
        raise ValueError("the database differs from the tables:\n  " + "\n  ".join(differences))
    typer.echo("The database has exactly the tables of this release.")


def bind_operator(certificate: Path, settings: Path) -> None:
    """Binds a certificate as the operator's."""
    run(_bind(_der(certificate), load(settings), clerk=False))


def bind_clerk(certificate: Path, settings: Path) -> None:
    """Binds a certificate as a clerk's desk."""
    run(_bind(_der(certificate), load(settings), clerk=True))


def _der(certificate: Path) -> bytes:
    with told():
        pem = certificate.read_bytes()
        return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


async def _bind(der: bytes, settings: Settings, *, clerk: bool) -> None:
    async with bootstrap.database_url(settings) as url:
        database = Database(url, pool_size=2)
        try:
            certificates = bootstrap.sender_admin(settings, SqlUnitOfWork(database)).certificates
            bind = certificates.bind_clerk if clerk else certificates.bind_operator
            binding = await bind(der, CommandLine())
        finally:
            await database.dispose()
    role = "clerk" if clerk else "operator"
    typer.echo(f"Bound as {role}: SHA-256 {binding.certificate_sha256.hex()}")

"""Where each library is at home."""

from collections.abc import Mapping

# Where a library may be imported; it is refused everywhere else.
HOMES: Mapping[str, frozenset[str]] = {
    "grpc": frozenset(
        {
            "server.services",
            "server.interceptors",
            "server.grpc_server",
            "server.health_listener",
            "server.supervisor.health",
            "namak.client",
        }
    ),
    "grpc_status": frozenset({"server.interceptors", "namak.client"}),
    "grpc_interceptor": frozenset({"server.interceptors"}),
    "grpc_health": frozenset({"server.health_listener"}),
    "grpc_reflection": frozenset({"server.services"}),
    "google": frozenset(
        {
            "server.services",
            "server.interceptors",
            "server.grpc_server",
            "namak.client",
            "namak.cli",
        }
    ),
    "sqlalchemy": frozenset({"server.storage", "migrations"}),
    "asyncpg": frozenset({"server.storage", "migrations"}),
    "alembic": frozenset({"server.storage", "migrations"}),
    "aiohttp": frozenset(
        {"server.gateways", "server.http_files", "server.feed", "server.tiles", "namak.witness"}
    ),
    "aiosmtpd": frozenset({"server.smtp"}),
    "aiosmtplib": frozenset({"server.gateways"}),
    "dkim": frozenset({"server.gateways"}),
    "procrastinate": frozenset({"server.workers"}),
    "prometheus_client": frozenset({"server.metrics"}),
    "psycopg": frozenset({"server.workers"}),
    "dns": frozenset({"server.gateways.dns", "server.gateways.policy_records"}),
    "rfc3161_client": frozenset({"namak.evidence.timestamp"}),
    "pyhanko": frozenset(
        {"namak.signatures", "namak.delivery_certificate.additions", "namak.delivery_certificate.reading"}
    ),
    "pkcs11": frozenset({"server.hsm", "server.dev", "namak.cards", "namak.witness"}),
}

"""Imports point inward, and each library appears only in the rings that are there to deal with it."""

from collections.abc import Mapping

import pytest

from tests.contract.imports import SOURCES, import_graph, is_within
from tests.contract.libraries import HOMES

PORTS = frozenset(
    {
        "server.usecases.certificate_status",
        "server.usecases.certificate_ports",
        "server.usecases.log_ports",
        "server.usecases.ports",
        "server.usecases.records",
        "server.usecases.delegation_ports",
        "server.usecases.forwarding_ports",
        "server.usecases.job_ports",
        "server.usecases.letter_ports",
        "server.usecases.notice_ports",
        "server.usecases.registration_ports",
        "server.usecases.sender_sms_ports",
        "server.usecases.sms_ports",
        "server.usecases.timestamp_ports",
        "server.usecases.witness_ports",
    }
)

# What each ring may import of the server's own code, besides itself.
INWARD: Mapping[str, frozenset[str]] = {
    "server.domain": frozenset(),
    "server.jurisdictions": frozenset({"server.domain"}),
    "server.usecases": frozenset({"server.domain"}),
    "server.texts": frozenset({"server.domain"}),
    "server.services": frozenset({"server.domain", "server.usecases"}),
    "server.interceptors": frozenset({"server.domain", "server.usecases", "server.services", "server.texts"}),
    "server.hsm": frozenset(),
    "server.gateways": frozenset({"server.domain"}) | PORTS,
    "server.transparency": frozenset({"server.domain", "server.hsm"}) | PORTS,
    "server.storage": frozenset(
        {
            *("server.domain", "server.fsck.ports", "server.fsck.mailbox_ports"),
            *(
                "server.fsck.delivery_ports",
                *("server.fsck.shard_ports", "server.fsck.signature_ports"),
                "server.fsck.span_ports",
                "server.fsck.token_ports",
            ),
            *("server.transparency.ports", "server.transparency.settings"),
            "server.transparency.timestamp_ports",
        }
        | PORTS
    ),
    "server.ceremony": frozenset({"server.hsm", "server.transparency"}),
    "server.fsck": frozenset({"server.domain", "server.transparency"}) | PORTS,
    "server.feed": frozenset({"server.domain", "server.http_files", "server.usecases"}),
    "server.smtp": frozenset({"server.domain", "server.usecases"}),
    "server.tiles": frozenset({"server.domain", "server.http_files", "server.transparency"}) | PORTS,
    "server.workers": frozenset({"server.domain", "server.storage"}) | PORTS,
    "server.metrics": frozenset(
        {"server.domain", "server.hsm", "server.listening", "server.transparency", "server.usecases"}
    ),
    "server.config": frozenset(
        {
            *("server.config_inbound_mail", "server.config_jobs", "server.config_log"),
            *("server.config_mail", "server.config_metrics", "server.config_printing", "server.config_seal"),
            *("server.config_notices", "server.config_revocation", "server.config_values"),
            *("server.config_signatures", "server.config_sms", "server.config_timestamps"),
            "server.config_witnesses",
        }
    ),
    "server.config_inbound_mail": frozenset({"server.config_values"}),
    "server.config_jobs": frozenset({"server.config_values"}),
    "server.config_log": frozenset({"server.config_values", "server.domain"}),
    "server.config_mail": frozenset({"server.config_values"}),
    "server.config_metrics": frozenset({"server.config_values"}),
    "server.config_printing": frozenset({"server.config_values", "server.domain"}),
    "server.config_notices": frozenset({"server.config_values"}),
    "server.config_signatures": frozenset({"server.config_values"}),
    "server.config_sms": frozenset({"server.config_values"}),
    "server.config_revocation": frozenset({"server.config_values"}),
    "server.config_timestamps": frozenset({"server.config_values"}),
    "server.config_witnesses": frozenset({"server.config_values"}),
    "server.config_seal": frozenset({"server.config_long_term", "server.config_values"}),
    "server.config_long_term": frozenset({"server.config_revocation", "server.config_values"}),
    "server.config_values": frozenset(),
    "server.log_lines": frozenset(),
    "server.grpc_server": frozenset(
        {
            *("server.domain", "server.health_listener", "server.services", "server.interceptors"),
            "server.texts",
        }
    ),
    "server.listening": frozenset(),
    "server.http_bounds": frozenset(),
    "server.http_files": frozenset({"server.http_bounds", "server.listening"}),
    "server.health_listener": frozenset({"server.listening"}),
    "server.supervisor": frozenset({"server.health_listener", "server.listening"}),
    # These wire things together, and nothing above imports them.
    "server.bootstrap_citizens": frozenset(
        {"server.config", "server.gateways", "server.usecases.certificate_status"}
    ),
    "server.bootstrap_delivery_certificates": frozenset(
        {
            *("server.bootstrap_long_term", "server.bootstrap_machine", "server.bootstrap_timestamps"),
            *("server.config", "server.gateways", "server.hsm", "server.transparency", "server.usecases"),
        }
    ),
    "server.bootstrap_long_term": frozenset(
        {"server.bootstrap_machine", "server.bootstrap_timestamps", "server.config", "server.gateways"}
    ),
    "server.bootstrap_forwarding": frozenset(
        {
            *("server.bootstrap_jobs", "server.bootstrap_machine", "server.bootstrap_nudges"),
            *("server.bootstrap_sms", "server.config", "server.config_mail", "server.domain"),
            *("server.gateways", "server.usecases"),
        }
    ),
    "server.bootstrap_fsck_helpers": frozenset(
        {
            *("server.bootstrap_fsck", "server.domain", "server.fsck", "server.gateways"),
            *("server.jurisdictions", "server.storage", "server.transparency"),
        }
    ),
    "server.bootstrap_fsck": frozenset(
        {*("server.bootstrap_machine", "server.domain", "server.fsck", "server.storage"), "server.usecases"}
    ),
    "server.bootstrap_inbound_mail": frozenset(
        {
            *("server.bootstrap_citizens", "server.bootstrap_machine", "server.bootstrap_outages"),
            *("server.config", "server.domain", "server.gateways", "server.jurisdictions", "server.smtp"),
            "server.usecases",
        }
    ),
    "server.bootstrap_jobs": frozenset(
        {"server.config", "server.domain", "server.usecases", "server.workers"}
    ),
    "server.bootstrap_letters": frozenset(
        {
            *("server.bootstrap_jobs", "server.bootstrap_machine", "server.bootstrap_registers"),
            *("server.config", "server.domain", "server.gateways", "server.services"),
            "server.usecases",
        }
    ),
    "server.bootstrap_metrics": frozenset(
        {
            *("server.bootstrap_machine", "server.config", "server.interceptors", "server.metrics"),
            "server.gateways",
            *("server.storage", "server.transparency", "server.usecases"),
        }
    ),
    "server.bootstrap_mobile_id": frozenset(
        {"server.config", "server.domain", "server.gateways", "server.usecases"}
    ),
    "server.bootstrap_notice_feed": frozenset(
        {
            *("server.bootstrap_machine", "server.config", "server.feed", "server.jurisdictions"),
            "server.usecases",
        }
    ),
    "server.bootstrap_notices": frozenset(
        {
            *("server.bootstrap_jobs", "server.bootstrap_machine", "server.bootstrap_registers"),
            *("server.bootstrap_rounds", "server.config", "server.domain", "server.gateways"),
            "server.usecases",
        }
    ),
    "server.bootstrap_log": frozenset(
        {
            *("server.bootstrap_machine", "server.config", "server.config_log", "server.hsm"),
            *("server.jurisdictions", "server.transparency", "server.usecases"),
        }
    ),
    "server.bootstrap_outages": frozenset(
        {
            *("server.bootstrap_machine", "server.bootstrap_rounds", "server.config", "server.domain"),
            *("server.jurisdictions", "server.transparency", "server.usecases"),
        }
    ),
    "server.bootstrap_receipts": frozenset(
        {
            *("server.bootstrap_forwarding", "server.bootstrap_jobs", "server.config", "server.domain"),
            *("server.gateways", "server.storage", "server.transparency", "server.usecases"),
        }
    ),
    "server.bootstrap_registers": frozenset({"server.config", "server.gateways"}),
    "server.bootstrap_registration": frozenset(
        {
            *("server.bootstrap_rounds", "server.config", "server.domain", "server.gateways"),
            *("server.services", "server.usecases"),
        }
    ),
    "server.bootstrap_ladder": frozenset(
        {
            *("server.bootstrap_letters", "server.bootstrap_notices", "server.bootstrap_nudges"),
            *("server.bootstrap_rounds", "server.config", "server.usecases"),
        }
    ),
    "server.bootstrap_nudges": frozenset(
        {"server.bootstrap_jobs", "server.config", "server.domain", "server.usecases"}
    ),
    "server.bootstrap_rounds": frozenset({"server.domain"}),
    "server.bootstrap_sign_ins": frozenset({"server.bootstrap_rounds", "server.usecases"}),
    "server.bootstrap_signatures": frozenset(
        {"server.bootstrap_citizens", "server.config", "server.domain", "server.gateways", "server.usecases"}
    ),
    "server.bootstrap_sms": frozenset(
        {
            *("server.bootstrap_jobs", "server.bootstrap_machine", "server.config", "server.config_sms"),
            *("server.domain", "server.gateways", "server.services", "server.usecases"),
        }
    ),
    **{
        f"server.bootstrap_{each}": frozenset(
            {f"server.config_{each}", "server.gateways", "server.transparency"}
        )
        for each in ("timestamps", "witnesses")
    },
    "server.bootstrap_machine": frozenset({"server.domain"}),
    "server.bootstrap_paper": frozenset(
        {
            *("server.bootstrap_machine", "server.config", "server.domain", "server.gateways"),
            *("server.services", "server.usecases"),
        }
    ),
    "server.bootstrap_administration": frozenset(
        {
            *("server.bootstrap_machine", "server.config", "server.gateways"),
            *("server.jurisdictions", "server.usecases"),
        }
    ),
    "server.bootstrap_desks": frozenset(
        {
            *("server.bootstrap_administration", "server.bootstrap_citizens"),
            "server.bootstrap_forwarding",
            "server.bootstrap_ladder",
            "server.bootstrap_letters",
            "server.bootstrap_machine",
            "server.bootstrap_mobile_id",
            "server.bootstrap_paper",
            "server.bootstrap_registration",
            "server.bootstrap_sms",
            *("server.config", "server.domain", "server.gateways", "server.grpc_server"),
            *("server.jurisdictions", "server.services", "server.transparency", "server.usecases"),
        }
    ),
    "server.bootstrap": frozenset(
        {
            *("server.bootstrap_administration", "server.bootstrap_citizens"),
            "server.bootstrap_delivery_certificates",
            "server.bootstrap_desks",
            "server.bootstrap_forwarding",
            "server.bootstrap_inbound_mail",
            "server.bootstrap_jobs",
            *("server.bootstrap_letters", "server.bootstrap_log", "server.bootstrap_machine"),
            *("server.bootstrap_metrics", "server.bootstrap_mobile_id", "server.bootstrap_notices"),
            *("server.bootstrap_ladder", "server.bootstrap_outages", "server.bootstrap_receipts"),
            *("server.bootstrap_registers", "server.bootstrap_registration", "server.bootstrap_sign_ins"),
            *("server.bootstrap_signatures", "server.bootstrap_sms"),
            *("server.bootstrap_timestamps", "server.bootstrap_witnesses"),
            "server.config",
            "server.domain",
            "server.gateways",
            "server.grpc_server",
            "server.hsm",
            "server.interceptors",
            "server.jurisdictions",
            "server.metrics",
            *("server.services", "server.smtp"),
            "server.storage",
            "server.texts",
            "server.transparency",
            "server.usecases",
        }
    ),
    "server.bootstrap_tiles": frozenset(
        {
            *("server.bootstrap", "server.bootstrap_machine", "server.config", "server.storage"),
            *("server.tiles", "server.transparency"),
        }
    ),
    "server.cli": frozenset({"server"}),
    "server.__main__": frozenset({"server.cli"}),
    "server.dev": frozenset(
        {"server.domain", "server.hsm", "server.jurisdictions", "server.metrics.catalogue"}
    ),
}

# What reaches outside the process; evidence is judged, and rules are applied, without any of it.
OUTSIDE = ("socket", "ssl", "http", "urllib", "asyncio", "subprocess", "requests", "httpx", "aiohttp")
PURE = ("server.domain", "server.jurisdictions", "namak.evidence")


def ring_of(module: str) -> str | None:
    return next((ring for ring in INWARD if is_within(module, ring)), None)


def test_every_module_of_the_server_belongs_to_a_ring() -> None:
    modules = [module for module in import_graph() if is_within(module, "server") and module != "server"]

    assert len(modules) > len(INWARD)
    assert [module for module in modules if ring_of(module) is None] == []


@pytest.mark.parametrize("ring", sorted(INWARD))
def test_imports_point_inward(ring: str) -> None:
    permitted = {ring, *INWARD[ring]}
    outward = {
        f"{module} -> {imported}"
        for module, imports in import_graph().items()
        if is_within(module, ring)
        for imported in imports
        if is_within(imported, "server")
        and not any(is_within(imported, each) for each in permitted)
        # The package itself holds no code.
        and imported != "server"
    }

    assert outward == set()


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_library_stays_where_it_belongs(library: str) -> None:
    strayed = {
        module
        for module, imports in import_graph().items()
        if any(is_within(imported, library) for imported in imports)
        and not any(is_within(module, home) for home in HOMES[library])
    }

    assert strayed == set()


def test_the_contracts_stubs_are_known_at_the_edge_only() -> None:
    edge = ("server.services", "server.interceptors", "server.grpc_server")
    strayed = {
        module
        for module, imports in import_graph().items()
        if is_within(module, "server")
        and any(is_within(imported, "namak.v1") for imported in imports)
        and not any(is_within(module, each) for each in edge)
    }

    assert strayed == set()


@pytest.mark.parametrize("package", PURE)
def test_rules_and_evidence_reach_nothing_outside(package: str) -> None:
    reached = {
        f"{module} -> {imported}"
        for module, imports in import_graph().items()
        if is_within(module, package)
        for imported in imports
        if any(is_within(imported, each) for each in OUTSIDE)
    }

    assert reached == set()


def test_evidence_knows_nothing_but_itself() -> None:
    known = {
        f"{module} -> {imported}"
        for module, imports in import_graph().items()
        if is_within(module, "namak.evidence")
        for imported in imports
        if is_within(imported, "server")
        or (is_within(imported, "namak") and not is_within(imported, "namak.evidence"))
    }

    assert known == set()


def test_a_witness_knows_evidence_and_nothing_else_of_the_house() -> None:
    its = ("namak.witness", "namak.evidence", "namak.releases")
    known = {
        f"{module} -> {imported}"
        for module, imports in import_graph().items()
        if is_within(module, "namak.witness")
        for imported in imports
        if is_within(imported, "namak") and not any(is_within(imported, each) for each in its)
    }

    assert known == set()


def test_the_client_knows_nothing_of_the_server() -> None:
    known = {
        f"{module} -> {imported}"
        for module, imports in import_graph().items()
        if is_within(module, "namak")
        for imported in imports
        if is_within(imported, "server")
    }

    assert known == set()


def test_the_servers_own_code_is_where_it_is_looked_for() -> None:
    assert all(directory.is_dir() for directory in SOURCES.values())

"""What a person typed for each field of a request: the option or argument, where the post names the field.

A field's path is looked up from its end: of ``submission.parts[2].name`` the name, else the parts. What a
command names otherwise than most stands under the command's own name.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

USUAL: Mapping[str, str] = MappingProxyType(
    {
        "request_id": "--request-id",
        "acting_as": "--acting-as",
        "organisation_id": "--org",
        "delivery_id": "ID",
        "evidence_id": "[EVIDENCE_ID]",
        "part_number": "[PART]",
        "sender": "--from",
        "recipient": "--to",
        "subject": "--subject",
        "parts": "FILE",
        "notification_policy": "--policy",
        "notification_policies": "POLICY",
        "states": "--state",
        "start_time": "--since",
        "end_time": "--before",
        "start_date": "--from",
        "end_date": "--to",
        "page_size": "--limit",
        "origin": "--origin",
        "index": "INDEX",
        "level": "--level",
        "width": "--width",
        "address": "ADDRESS",
        "sender_address_id": "ADDRESS",
        "networks": "--network",
        "host_names": "--host",
        "sms_permitted": "--sms",
        "domain": "--domain",
        "document_reference": "--document",
        "code": "--code",
        "display_name": "--name",
        "person_number": "NUMBER",
        "phone_number": "--phone",
        "contract_state": "STATE",
        "contract_end_date": "--until",
        "certificate": "FILE",
        "certificate_sha256": "CERTIFICATE",
        "expiring_within_days": "--expiring-within",
        "act": "--act",
        "resource": "--resource",
    }
)
"""By field: what most commands call it."""

OWN: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "usage": {"sender": "--address"},
        "forwarding add": {
            "email": "ADDRESS",
            "phone": "ADDRESS",
            "content": "--whole",
            "language": "--language",
        },
        "forwarding change": {"target_id": "ID", "content": "--whole", "language": "--language"},
        "forwarding verify": {"target_id": "ID", "code": "CODE"},
        "forwarding code": {"target_id": "ID"},
        "forwarding remove": {"target_id": "ID"},
        "paper submit": {
            "recipient": "TO",
            "scans": "FILE",
            "custody": "--custody",
            "original": "--original",
            "paper_sender": "--from-name",
            "address_lines": "--from-line",
            "tracking_number": "--tracking",
            "statement_language": "--language",
        },
        "receipt": {"delivery_id": "--delivery"},
        "log tile": {"index": "INDEX"},
        "admin org list": {"contract_state": "--contract"},
        "admin org show": {"organisation_id": "ORG"},
        "admin org rename": {"organisation_id": "ORG", "display_name": "NAME"},
        "admin org contract": {"organisation_id": "ORG"},
        "admin org policies": {"organisation_id": "ORG"},
        "admin domain register": {"name": "DOMAIN"},
        "admin domain request-proof": {"name": "DOMAIN"},
        "admin domain prove": {"name": "DOMAIN"},
        "admin domain delete": {"name": "DOMAIN"},
        "admin certificate list": {"sender_address_id": "--address"},
        "admin certificate bind": {"sender_address_id": "--address"},
        "admin audit": {"person_number": "--person"},
    }
)
"""By command: what it calls otherwise."""

_PLACE = re.compile(r"\[[0-9]+\]")


def typed_as(command: str, field: str) -> str | None:
    """Returns the option or argument by which a command takes a field; None where nothing is known."""
    names = {**USUAL, **OWN.get(command, {})}
    return next((names[part] for part in _parts(field) if part in names), None)


def taken_by(command: Any) -> frozenset[str]:
    """Returns how the options and arguments of a parser's command are called."""
    return frozenset(
        name
        for param in command.params
        for name in (*param.opts, *param.secondary_opts, param.metavar)
        if name
    )


def _parts(field: str) -> Iterator[str]:
    yield from reversed(_PLACE.sub("", field).split("."))

"""Administrative acts for tests: one of each kind of actor, and arbitrary ones for property tests."""

from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from uuid import UUID

from hypothesis import strategies as st

from namak.evidence.administrative_act import (
    ActDetails,
    Actor,
    ActorKind,
    AdministrativeAct,
    Fields,
    Resource,
)
from namak.evidence.document import Issuer

CERTIFICATE = "ab" * 32
BEFORE: Fields = {"address": "notices@src.am", "networks": ("198.51.100.7/32",), "suspended": "no"}
AFTER: Fields = {**BEFORE, "networks": ("198.51.100.7/32", "2001:db8::/64")}


def act(details: ActDetails, *, number: int = 1) -> AdministrativeAct:
    """Returns the evidence of an act."""
    return AdministrativeAct(
        evidence_id=UUID(int=0x0192F0C4_0000_7000_8000_000000000000 + number),
        event_time=datetime(2026, 11, 21, 20, 0, 0, 123456, tzinfo=UTC),
        policy_id="namak:am:1",
        issuer=Issuer("e-citizen.am", "Էլեկտրոնային քաղաքացի"),
        salt=number.to_bytes(16, "big"),
        details=details,
    )


BY_OPERATOR = act(
    ActDetails(
        act="UpdateSenderAddress",
        actor=Actor(ActorKind.OPERATOR, CERTIFICATE),
        acted_from=ip_address("198.51.100.9"),
        organisation="11223344",
        resource=Resource("SENDER_ADDRESS", "0192f0c3-0000-7000-8000-00000000000a"),
        before=BEFORE,
        after=AFTER,
        request_id="r-1",
    )
)
BY_ADMINISTRATOR = act(
    replace(
        BY_OPERATOR.details,
        act="DeleteSenderAddress",
        actor=Actor(ActorKind.ADMINISTRATOR, CERTIFICATE, "5001950015"),
        after=None,
    ),
    number=2,
)
AT_COMMAND_LINE = act(
    ActDetails(
        act="operator bind",
        actor=Actor(ActorKind.COMMAND_LINE),
        acted_from=None,
        organisation=None,
        resource=Resource("CERTIFICATE_BINDING", CERTIFICATE),
        before=None,
        after={"role": "OPERATOR"},
        request_id=None,
    ),
    number=3,
)

_lines = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=60)
_fields = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True),
    st.one_of(_lines, st.lists(_lines, min_size=1, max_size=4).map(tuple)),
    min_size=1,
    max_size=5,
)
_digests = st.binary(min_size=32, max_size=32).map(bytes.hex)
# IPv4 inside IPv6 is written as IPv4.
_addresses = st.ip_addresses().filter(lambda address: getattr(address, "ipv4_mapped", None) is None)


@st.composite
def acts(draw: st.DrawFn) -> AdministrativeAct:
    """Draws any act that the format permits."""
    kind = draw(st.sampled_from(ActorKind))
    over_no_connection = kind in (ActorKind.COMMAND_LINE, ActorKind.SERVER)
    administers = kind is ActorKind.ADMINISTRATOR
    is_person = kind in (ActorKind.ADMINISTRATOR, ActorKind.HOLDER)
    tells_from_where = not over_no_connection and (kind is not ActorKind.HOLDER or draw(st.booleans()))
    before, after = draw(
        st.tuples(st.none() | _fields, st.none() | _fields).filter(lambda both: both[0] != both[1])
    )
    details = ActDetails(
        act=draw(st.from_regex(r"[A-Za-z][A-Za-z0-9 -]{0,63}", fullmatch=True)),
        actor=Actor(
            kind,
            None if over_no_connection else draw(_digests),
            draw(_lines) if is_person else None,
        ),
        acted_from=draw(_addresses) if tells_from_where else None,
        organisation=draw(_lines if administers else st.none() | _lines),
        resource=Resource(draw(st.from_regex(r"[A-Z][A-Z_]{0,31}", fullmatch=True)), draw(_lines)),
        before=before,
        after=after,
        request_id=draw(st.none() | st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True)),
    )
    return replace(
        act(details),
        evidence_id=draw(st.uuids()),
        event_time=draw(st.datetimes(timezones=st.just(UTC))),
        issuer=Issuer(draw(_lines), draw(_lines)),
        salt=draw(st.binary(min_size=16, max_size=16)),
    )

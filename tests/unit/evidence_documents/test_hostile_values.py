"""What the operator hands out beside documents, made of anything: it is found false, and nothing breaks."""

import contextlib
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.administrative_act import AdministrativeAct, RecordedAct, Resource
from namak.evidence.delegation import DELEGATION, GRANT, SIGNATORY, DelegationTerms, SignatoryEntry
from namak.evidence.failures import MalformedEvidence
from namak.evidence.mailbox_chain import ChainHead, Opening, check_chain
from namak.evidence.timestamp_file import owner_of
from tests.unit.evidence_documents.acts import acts
from tests.unit.evidence_documents.documents import ONE_OF_EACH

ADDRESS = "5001950015@e-citizen.am"
CONSIGNMENT = ONE_OF_EACH[2].encode()
_texts = st.text(st.characters(exclude_categories=[]), max_size=40)
_deliveries = st.one_of(
    _texts,
    st.uuids().map(str),
    st.uuids().map(lambda each: f"{{{each}}}".upper()),
    st.uuids().map(lambda each: f"urn:uuid:{each}"),
    st.sampled_from(["0" * 32, "٠" * 32, "0x" + "0" * 30, "_" * 32, str(UUID(int=0))]),
)
_numbers = st.one_of(st.integers(-3, 5), st.sampled_from([2**63, 2**64 - 1, 2**64, -(2**63), 10**30]))
_links = st.one_of(st.binary(max_size=40), st.binary(min_size=32, max_size=32), st.just(bytes(32)))
_openings = st.builds(
    Opening,
    _numbers,
    _deliveries,
    _links,
    _links,
    _links,
    st.one_of(st.binary(max_size=60), st.just(CONSIGNMENT), st.just(CONSIGNMENT[:-1])),
)


@given(
    st.lists(_openings, min_size=1, max_size=6), st.none() | st.builds(ChainHead, _numbers, _links), _texts
)
def test_openings_of_anything_are_no_complete_mailbox(
    openings: list[Opening], head: ChainHead | None, address: str
) -> None:
    for mailbox in (ADDRESS, address):
        report = check_chain(
            mailbox, openings, head, [ChainHead(each.sequence, each.link) for each in openings]
        )
        assert not report.is_complete
        assert all(finding.words for finding in report.findings)


_fields = st.dictionaries(
    st.sampled_from(
        ["mailbox", "delegate", "person", "right", "start_time", "expire_time", "register_time", "under"]
    ),
    st.one_of(
        st.sampled_from(
            [ADDRESS, "READ", "2026-11-22T12:00:00.000000Z", "2026-02-30T12:00:00.000000Z", "ab" * 32]
        ),
        st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=20),
        st.lists(st.just(ADDRESS), min_size=1, max_size=2).map(tuple),
    ),
    min_size=1,
)


@given(acts(), _fields, st.sampled_from([DELEGATION, SIGNATORY]))
def test_a_right_is_read_from_no_act_but_one_that_gives_it(
    act: AdministrativeAct, fields: dict[str, str | tuple[str, ...]], kind: str
) -> None:
    details = replace(act.details, act=GRANT, resource=Resource(kind, ADDRESS), before=None, after=fields)
    recorded = RecordedAct.parse(replace(act, details=details).encode())
    for read, needed in (
        (DelegationTerms.granted_by, {"mailbox", "delegate", "right", "start_time", "expire_time"}),
        (SignatoryEntry.made_by, {"mailbox", "person", "register_time"}),
    ):
        if not needed <= fields.keys():
            with pytest.raises(MalformedEvidence, match="the act"):
                read(recorded)
            continue
        with contextlib.suppress(MalformedEvidence):
            read(recorded)


def test_a_name_of_a_million_dots_is_nobodys_timestamp() -> None:
    assert owner_of("." * 1_000_000 + ".tsr", {}) is None
    assert owner_of("a.b.c.tsr", {"a.b", "a"}) == "a.b"

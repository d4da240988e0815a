"""What the DNS tells of where SPF policies lead, whatever stands for it."""

import ipaddress

import pytest

from server.domain.refusals import ServiceUnavailable
from server.usecases.spf_check import PolicyRecords

ZONE = {
    "src.am": {
        "TXT": ["v=spf1 -all", "other"],
        "A": ["192.0.2.1", "192.0.2.2"],
        "AAAA": ["2001:db8::1"],
        "MX": ["mx.src.am", "mx.e-citizen.am"],
    },
    "www.src.am": {"CNAME": ["src.am"]},
    "1.2.0.192.in-addr.arpa": {"PTR": ["src.am"]},
    "empty.am": {"A": ["192.0.2.3"]},
    "loop.am": {"CNAME": ["loop.am"]},
    "broken.am": None,
}
"""What the things under contract show."""

V4, V6 = ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("2001:db8::1")


class PolicyRecordsContract:
    """Records are told as they stand; nothing and a failure are two things."""

    async def test_records_are_told_by_name_whatever_its_case(self, records: PolicyRecords) -> None:
        for name in ("src.am", "SRC.am", "www.src.am"):
            assert set(await records.texts(name)) == {b"v=spf1 -all", b"other"}
            assert set(await records.addresses(name, like=V4)) == {V4, ipaddress.ip_address("192.0.2.2")}
            assert await records.addresses(name, like=V6) == [V6]
            # A name within an answer may have the letters of the question.
            hosts = {host.lower() for host in await records.exchangers(name)}
            assert hosts == {"mx.src.am", "mx.e-citizen.am"}
        assert await records.names(V4) == ["src.am"]

    async def test_nothing_is_told_of_what_is_not_there(self, records: PolicyRecords) -> None:
        for name in ("nothing.am", "empty.am", "a b\\.c.am"):
            assert list(await records.texts(name)) == []
            assert list(await records.addresses(name, like=V6)) == []
            assert list(await records.exchangers(name)) == []
        assert list(await records.names(V6)) == []

    async def test_a_failure_is_told_as_one(self, records: PolicyRecords) -> None:
        for name in ("broken.am", "loop.am"):
            with pytest.raises(ServiceUnavailable):
                await records.texts(name)
            with pytest.raises(ServiceUnavailable):
                await records.addresses(name, like=V4)

"""The DNS that SPF policies lead to, in memory."""

from collections import Counter
from collections.abc import Mapping, Sequence

from server.domain.caller import IpAddress
from server.domain.refusals import ServiceUnavailable


class FakePolicyRecords:
    """Records by name, in lower case, and type. A name with None can't be looked up; a CNAME is followed."""

    def __init__(self, zone: Mapping[str, Mapping[str, Sequence[str]] | None]) -> None:
        self.zone = zone
        self.asked: Counter[tuple[str, str]] = Counter()

    async def texts(self, name: str) -> Sequence[bytes]:
        return [text.encode("latin-1") for text in self._records(name, "TXT")]

    async def addresses(self, name: str, *, like: IpAddress) -> Sequence[IpAddress]:
        kind = type(like)
        return [kind(text) for text in self._records(name, "A" if like.version == 4 else "AAAA")]

    async def exchangers(self, name: str) -> Sequence[str]:
        return self._records(name, "MX")

    async def names(self, address: IpAddress) -> Sequence[str]:
        return self._records(address.reverse_pointer, "PTR")

    def _records(self, name: str, kind: str) -> Sequence[str]:
        self.asked[name.lower(), kind] += 1
        for _ in range(8):
            found = self.zone.get(name.lower(), {})
            if found is None:
                raise ServiceUnavailable("DNS")
            if kind in found or "CNAME" not in found:
                return found.get(kind, ())
            name = found["CNAME"][0]
        raise ServiceUnavailable("DNS")

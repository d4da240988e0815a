"""Zones of policies that lead into one another, loop, miss and fail, for any evaluation to get lost in."""

from collections.abc import Mapping, Sequence

from hypothesis import strategies as st

Zone = Mapping[str, Mapping[str, Sequence[str]] | None]

NAMES = ("a.example.com", "b.example.com", "c.example.com", "d.example.com")
CLIENTS = ("192.0.2.1", "192.0.2.130", "2001:db8::1")
_THERE = ("gone.example.com", "host.example.com")
_LOST = (*_THERE, "broken.example.com")

_names = st.sampled_from([*NAMES, *_LOST, "%{d}", "%{l}.%{d2}", "%{ir}.%{v}.%{o}", "%{p}"])
_terms = st.one_of(
    st.builds(
        "{}{}:{}".format, st.sampled_from(["", "-", "~", "?"]), st.sampled_from(["include", "exists"]), _names
    ),
    st.builds(
        "{}{}".format, st.sampled_from(["", "-", "?"]), st.sampled_from(["a", "mx", "ptr", "a/24", "mx//64"])
    ),
    st.builds("{}:{}".format, st.sampled_from(["a", "mx", "ptr"]), _names),
    st.sampled_from(["ip4:192.0.2.0/25", "-ip4:192.0.2.128/25", "~ip6:2001:db8::/32", "ip4:192.0.2.1/33"]),
)
_policies = st.builds(
    lambda terms, end: " ".join(["v=spf1", *terms, *end]),
    st.lists(_terms, max_size=4),
    st.one_of(
        st.just([]),
        st.sampled_from([["-all"], ["~all"], ["+all"]]),
        _names.map(lambda name: [f"redirect={name}"]),
    ),
)
_hosts = st.fixed_dictionaries(
    {},
    optional={
        "A": st.lists(st.sampled_from(CLIENTS[:2]), min_size=1, max_size=2, unique=True),
        "AAAA": st.just(["2001:db8::1"]),
        "MX": st.lists(
            st.sampled_from([*NAMES, *_THERE]),
            min_size=1,
            max_size=3,
            unique=True,
        ),
    },
)


def _zone(
    policies: Sequence[str], hosts: Sequence[Mapping[str, Sequence[str]]], reverse: Sequence[str]
) -> Zone:
    zone: dict[str, Mapping[str, Sequence[str]] | None] = {
        name: {**shown, "TXT": [policy]} for name, policy, shown in zip(NAMES, policies, hosts, strict=True)
    }
    zone["host.example.com"] = {"A": [CLIENTS[0]], "AAAA": [CLIENTS[2]]}
    zone["1.2.0.192.in-addr.arpa"] = {"PTR": list(reverse)}
    zone["broken.example.com"] = None
    return zone


zones = st.builds(
    _zone,
    st.lists(_policies, min_size=4, max_size=4),
    st.lists(_hosts, min_size=4, max_size=4),
    st.lists(st.sampled_from([*NAMES, *_THERE]), min_size=1, max_size=3, unique=True),
)

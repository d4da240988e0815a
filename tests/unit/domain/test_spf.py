"""SPF policies: read strictly, whatever stands in them."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.domain.spf import Mechanism, SpfPolicy, SpfResult, policy_among
from server.domain.spf_macros import NAME_OCTETS, SpfMalformed, domain_spec, macro_text, target_name

EXAMPLES = {
    "s": "strong-bad@email.example.com",
    "l": "strong-bad",
    "o": "email.example.com",
    "d": "email.example.com",
    "i": "192.0.2.3",
    "v": "in-addr",
    "h": "mail.example.com",
    "p": "unknown",
}
"""Of the examples in RFC 7208, 7.4."""


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("%{s}", "strong-bad@email.example.com"),
        ("%{d4}", "email.example.com"),
        ("%{d2}", "example.com"),
        ("%{D1}", "com"),
        ("%{dr}", "com.example.email"),
        ("%{d2r}", "example.email"),
        ("%{l-}", "strong.bad"),
        ("%{lr-}", "bad.strong"),
        ("%{l1r-}", "strong"),
        ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
        ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
        ("%{S}", "strong-bad%40email.example.com"),
        ("a%%b%_c%-d", "a%b c%20d"),
        (f"%{{d{'9' * 5000}}}", "email.example.com"),
    ],
)
def test_macros_are_expanded_as_the_standard_shows(text: str, expanded: str) -> None:
    assert macro_text(text).expanded(EXAMPLES.__getitem__) == expanded


@pytest.mark.parametrize(
    "text", ["%", "%{", "%{d", "%{x}", "%{d0}", "%{d000}", "%{c}", "%(d)", "%{d!}", "a b", "é"]
)
def test_what_is_no_macro_is_refused(text: str) -> None:
    with pytest.raises(SpfMalformed):
        macro_text(text)


@pytest.mark.parametrize(
    "text", ["", "am", "src.1", "src.-am", "src.am-", "src.", "%{d}.", "a:b", "src..", "1.2.3.4"]
)
def test_a_domain_must_end_in_what_may_be_one(text: str) -> None:
    with pytest.raises(SpfMalformed):
        domain_spec(text)


_MARKS = st.sampled_from(list("%{}sldiphvcrt0129rR.-+,/_=:~?@ amx\x00\xe9"))
_TERMS = st.sampled_from(
    ["all", "include:", "a", "mx", "ptr", "ip4:192.0.2.1", "ip6:::1", "exists:", "redirect=", "exp=", "x="]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(_TERMS, st.text(_MARKS, max_size=12), st.just(" ")), max_size=12).map("".join))
def test_any_policy_is_read_to_its_end_or_malformed(text: str) -> None:
    try:
        policy = policy_among([b"v=spf1 " + text.encode("utf-8")])
    except SpfMalformed:
        return
    assert isinstance(policy, SpfPolicy)
    assert text.isascii()
    for directive in policy.directives:
        assert (directive.network is not None) == (directive.mechanism in (Mechanism.IP4, Mechanism.IP6))
        assert 0 <= directive.bits4 <= 32
        assert 0 <= directive.bits6 <= 128


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=20).map(lambda tail: b"v=spf1" + tail))
def test_any_octets_are_a_policy_none_or_malformed(record: bytes) -> None:
    try:
        policy = policy_among([record, b"v=spf2 +all", b"\xff"])
    except SpfMalformed:
        assert record[6:7] in (b"", b" ")
        return
    assert (policy is None) == (record[6:7] not in (b"", b" "))


@settings(max_examples=100, deadline=None)
@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 128), st.booleans())
def test_a_network_covers_what_the_library_says(
    shown: ipaddress.IPv4Address | ipaddress.IPv6Address,
    client: ipaddress.IPv4Address | ipaddress.IPv6Address,
    bits: int,
    near: bool,
) -> None:
    bits = min(bits, shown.max_prefixlen)
    if near:
        client = type(shown)(int(shown) ^ 1)
    policy = policy_among([f"v=spf1 -ip{shown.version}:{shown}/{bits} ~a/{min(bits, 32)}//{bits}".encode()])
    assert policy is not None
    network, host = policy.directives
    assert (network.result, host.result) == (SpfResult.FAIL, SpfResult.SOFTFAIL)
    expected = ipaddress.ip_network((shown, bits), strict=False)
    assert network.network == expected
    assert host.covers(client, shown) == (client.version == shown.version and client in expected)


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("ab.-"), max_size=600))
def test_a_name_that_is_asked_for_is_an_end_of_what_was_written_and_fits(text: str) -> None:
    name = target_name(text)
    if name is None:
        return
    assert text.removesuffix(".").endswith(name)
    assert 0 < len(name) <= NAME_OCTETS
    assert all(0 < len(label) <= 63 for label in name.split("."))

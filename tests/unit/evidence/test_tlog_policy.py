"""Trust policies: every rule of the format, and which checkpoints count."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence import cosignature, note
from namak.evidence.checkpoint import Checkpoint
from namak.evidence.errors import (
    InvalidSignature,
    MalformedCheckpoint,
    MalformedNote,
    MalformedPolicy,
    QuorumNotMet,
    UnknownLog,
)
from namak.evidence.note import note_from, vkey
from namak.evidence.tlog_policy import MAX_BYTES, MAX_DEFINITIONS, TlogPolicy, Witnessing
from tests.unit.evidence.signing import LogKey, WitnessKey, signed_checkpoint

LOG = LogKey()
OTHER_LOG = LogKey("other.example/2026")
X1, X2, X3, Y1, Y2, Y3 = WITNESSES = [
    WitnessKey(f"witness.example/{name}") for name in ("x1", "x2", "x3", "y1", "y2", "y3")
]
NAMES = [b"X1", b"X2", b"X3", b"Y1", b"Y2", b"Y3"]
LINES = "".join(f"witness {name.decode()} {key.vkey}\n" for name, key in zip(NAMES, WITNESSES, strict=True))
# The shape of the standard's example.
EXAMPLE = (
    f"log {LOG.vkey}\n\n{LINES}group X-witnesses 2 X1 X2 X3\ngroup Y-witnesses any Y1 Y2 Y3\n"
    "group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n"
)
W = f"witness w {X1.vkey}\n"
V = f"witness v {X2.vkey}\n"


def policy(text: str) -> TlogPolicy:
    return TlogPolicy.parse(text.encode())


def test_reads_the_standards_example() -> None:
    parsed = policy(EXAMPLE)
    assert [log.verifier for log in parsed.logs] == [LOG.verifier]
    assert [witness.name for witness in parsed.witnesses] == NAMES
    assert [(group.name, group.threshold) for group in parsed.groups] == [
        (b"X-witnesses", 2),
        (b"Y-witnesses", 1),
        (b"X-and-Y", 2),
    ]
    assert parsed.quorum == b"X-and-Y"


def test_the_example_wants_two_of_x_and_one_of_y() -> None:
    parsed = policy(EXAMPLE)
    for count in range(7):
        for names in combinations(NAMES, count):
            enough = sum(name[:1] == b"X" for name in names) >= 2 and any(name[:1] == b"Y" for name in names)
            assert parsed.is_quorum(names) == enough


def test_blanks_comments_urls_and_octets_are_as_the_standard_says() -> None:
    text = (
        f"# Ծանոթագրություն\n \t\n\t # indented\nquorum\tnone \n  log \t{LOG.vkey}  https://log.example/ \n"
        f"witness \N{KELVIN SIGN} {X1.vkey} https://w.example/\nwitness K {X2.vkey}\n"
    ).encode() + b"# \xff\xfe\n"
    parsed = TlogPolicy.parse(text)
    assert parsed.quorum is None
    assert parsed.logs[0].url == b"https://log.example/"
    assert [witness.name for witness in parsed.witnesses] == ["\N{KELVIN SIGN}".encode(), b"K"]
    assert TlogPolicy.parse(b"witness \xff " + X1.vkey.encode() + b"\nquorum \xff\n").quorum == b"\xff"


def test_a_policy_may_be_only_a_quorum() -> None:
    parsed = policy("quorum none\n")
    assert (parsed.logs, parsed.witnesses, parsed.groups) == ((), (), ())
    with pytest.raises(UnknownLog):
        parsed.check(signed_checkpoint(LOG, [b"entry"]))


def test_a_group_may_be_called_like_a_keyword() -> None:
    assert policy(f"{W}{V}group any 2 w v\ngroup 1 all any\nquorum 1\n").is_quorum([b"w", b"v"])


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "newline"),
        ("quorum none", "newline"),
        ("# nothing\n", "no quorum"),
        ("quorum none\r\n", "control"),
        ("quorum none\x0b\n", "control"),
        ("quorum none\n\x00\n", "control"),
        ("quorum none\n\x7f\n", "control"),
        ("quorum none\nquorum none\n", "second quorum"),
        ("quorum\n", "fields"),
        ("quorum none none\n", "fields"),
        ("quorum w\n" + W, "line 1: the quorum is not defined"),
        (W + "quorum W\n", "quorum is not defined"),
        ("Quorum none\n", "neither"),
        ("quorum none # why\n", "fields"),
        ("log\nquorum none\n", "fields"),
        (f"log {LOG.vkey} url more\nquorum none\n", "fields"),
        (f"log {LOG.vkey[:-1]}\nquorum none\n", "base64"),
        (f"log {X1.vkey}\nquorum none\n", "0x04"),
        (f"log {LOG.vkey}\nlog {LOG.vkey}\nquorum none\n", "line 2: the log's public key"),
        (f"log {LOG.vkey}\nlog {vkey('b', LOG.public_key)}\nquorum none\n", "log's public key"),
        (f"witness w {LOG.vkey}\nquorum none\n", "0x01"),
        (f"witness {X1.vkey}\nquorum none\n", "fields"),
        (f"witness w {X1.vkey} url more\nquorum none\n", "fields"),
        (f"{W}witness v {X1.vkey}\nquorum none\n", "witness's public key"),
        (f"{W}witness v {vkey('b', X1.public_key, 4)}\nquorum none\n", "witness's public key"),
        (f"{W}witness w {X2.vkey}\nquorum none\n", "already defined"),
        (f"witness none {X1.vkey}\nquorum none\n", "already defined"),
        (W + "group none any w\nquorum none\n", "already defined"),
        (W + "group w any w\nquorum w\n", "already defined"),
        (W + V + "group g any w\ngroup g any v\nquorum g\n", "already defined"),
        (W + "group g any\nquorum none\n", "fields"),
        (W + "group g\nquorum none\n", "fields"),
        (W + "group g 0 w\nquorum g\n", "threshold"),
        (W + "group g 2 w\nquorum g\n", "threshold"),
        (W + "group g 01 w\nquorum g\n", "threshold"),
        (W + "group g +1 w\nquorum g\n", "threshold"),
        (W + "group g -1 w\nquorum g\n", "threshold"),
        (W + "group g ALL w\nquorum g\n", "threshold"),
        (W + "group g 99999999999999999999 w\nquorum g\n", "threshold"),
        (W + "group g any none\nquorum g\n", "not defined"),
        (W + "group g any g\nquorum g\n", "not defined"),
        ("group g any w\n" + W + "quorum g\n", "not defined"),
        (W + "group g any w w\nquorum g\n", "twice"),
        (W + "group g any w\ngroup h any w\nquorum h\n", "twice"),
        (W + "group g any w\ngroup h any g\ngroup i any g\nquorum i\n", "twice"),
        ("quorum none\n" + "#" * MAX_BYTES + "\n", "longer"),
    ],
    # Keys are new in every process, and all processes must call a test by the same name.
    ids=lambda value: "policy" if "\n" in value or not value else value,
)
def test_refuses_what_breaks_a_rule(text: str, what: str) -> None:
    with pytest.raises(MalformedPolicy, match=what):
        policy(text)


def test_refuses_a_vkey_that_is_not_utf8() -> None:
    with pytest.raises(MalformedPolicy, match="UTF-8"):
        TlogPolicy.parse(b"log \xff" + LOG.vkey.encode() + b"\nquorum none\n")


def test_supports_what_the_standard_asks_for_and_stops_somewhere() -> None:
    keys = [WitnessKey(f"w{number}") for number in range(32)]
    text = "".join(f"witness {key.name} {key.vkey}\n" for key in keys)
    groups = "".join(f"group g{number} any w{number}\n" for number in range(31))
    everyone = f"group all all {' '.join(f'g{number}' for number in range(31))} w31\n"
    logs = "".join(f"log {LogKey(f'l{number}').vkey}\n" for number in range(31))
    parsed = policy(f"log {LOG.vkey}\n{logs}{text}{groups}{everyone}quorum all\n")
    assert len(parsed.check(signed_checkpoint(LOG, [b"entry"], keys)).witnesses) == 32
    with pytest.raises(QuorumNotMet):
        parsed.check(signed_checkpoint(LOG, [b"entry"], keys[1:]))
    chain = W + "group g0 any w\n"
    chain += "".join(f"group g{number} any g{number - 1}\n" for number in range(1, MAX_DEFINITIONS + 1))
    with pytest.raises(MalformedPolicy, match="more than"):
        policy(chain + "quorum none\n")


def test_check_returns_what_was_found() -> None:
    signed = signed_checkpoint(LOG, [b"entry"], [Y2, X3, X1])
    checked = policy(EXAMPLE).check(signed)
    assert checked.checkpoint == Checkpoint.parse(signed.partition(b"\n\n")[0] + b"\n")
    assert checked.log_name == LOG.name
    assert [witness.witness for witness in checked.witnesses] == [b"X1", b"X3", b"Y2"]
    assert checked.quorum_met


def test_too_few_witnesses_are_logged_but_not_witnessed() -> None:
    signed = signed_checkpoint(LOG, [b"entry"], [Y2, X1])
    with pytest.raises(QuorumNotMet):
        policy(EXAMPLE).check(signed)
    assert not policy(EXAMPLE).check_log_signature(signed).quorum_met


def test_a_quorum_of_none_asks_for_no_witness_but_for_the_log() -> None:
    parsed = policy(f"log {LOG.vkey}\nquorum none\n")
    assert parsed.check(signed_checkpoint(LOG, [b"entry"])).witnesses == ()
    with pytest.raises(InvalidSignature):
        parsed.check(signed_checkpoint(LogKey(LOG.name), [b"entry"]))


def test_one_witness_may_be_the_quorum() -> None:
    parsed = policy(f"{W}quorum w\nlog {LOG.vkey}\n")
    assert parsed.check(signed_checkpoint(LOG, [b"entry"], [X1])).quorum_met
    with pytest.raises(QuorumNotMet):
        parsed.check(signed_checkpoint(LOG, [b"entry"], [X2]))


def test_the_earliest_cosignature_of_a_witness_counts() -> None:
    text = Checkpoint(LOG.name, 1, bytes(32)).text()
    signed = note_from(text, [X1.line(text, 20), LOG.line(text), X1.line(text, 10), X1.line(text, 30)])
    checked = policy(f"log {LOG.vkey}\n{W}quorum w\n").check(signed)
    assert checked.witnesses == (Witnessing(b"w", 10),)


def test_a_cosignature_of_a_later_time_than_is_asked_for_does_not_count() -> None:
    text = Checkpoint(LOG.name, 1, bytes(32)).text()
    parsed = policy(f"log {LOG.vkey}\n{W}quorum w\n")
    for time, latest, counts in ((10, 10, True), (11, 10, False), (2**63 - 1, 10, False), (0, 0, True)):
        signed = note_from(text, [LOG.line(text), X1.line(text, time)])
        checked = parsed.check_log_signature(signed, latest=latest)
        assert (checked.quorum_met, checked.ahead) == (counts, () if counts else (b"w",))
        assert parsed.check(signed).quorum_met
        if not counts:
            with pytest.raises(QuorumNotMet):
                parsed.check(signed, latest=latest)
    # One that is not, besides, is enough.
    both = note_from(text, [LOG.line(text), X1.line(text, 2**62), X1.line(text, 9)])
    assert parsed.check(both, latest=10).witnesses == (Witnessing(b"w", 9),)


def test_refuses_the_origin_of_an_unknown_log() -> None:
    with pytest.raises(UnknownLog):
        policy(EXAMPLE).check(signed_checkpoint(OTHER_LOG, [b"entry"]))


def test_a_log_of_the_policy_cannot_sign_for_another() -> None:
    parsed = policy(f"log {LOG.vkey}\nlog {OTHER_LOG.vkey}\nquorum none\n")
    with pytest.raises(InvalidSignature, match="by its log"):
        parsed.check(signed_checkpoint(OTHER_LOG, [b"entry"], origin=LOG.name))
    with pytest.raises(UnknownLog):
        parsed.check(signed_checkpoint(LOG, [b"entry"], origin="third.example/2026"))


def test_witnesses_alone_do_not_make_a_checkpoint_count() -> None:
    text = Checkpoint(LOG.name, 1, bytes(32)).text()
    with pytest.raises(InvalidSignature, match="by its log"):
        policy(EXAMPLE).check(note_from(text, [key.line(text) for key in WITNESSES]))


def test_a_witness_that_is_called_like_the_log_is_not_the_log() -> None:
    namesake = WitnessKey(LOG.name)
    parsed = policy(f"log {LOG.vkey}\nwitness w {namesake.vkey}\nquorum w\n")
    text = Checkpoint(LOG.name, 1, bytes(32)).text()
    with pytest.raises(InvalidSignature, match="by its log"):
        parsed.check(note_from(text, [namesake.line(text)]))
    with pytest.raises(QuorumNotMet):
        parsed.check(note_from(text, [LOG.line(text)]))
    assert parsed.check(note_from(text, [LOG.line(text), namesake.line(text)])).quorum_met


def test_refuses_two_keys_that_a_signature_line_cannot_tell_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (note, cosignature):
        monkeypatch.setattr(module, "key_id", lambda name, kind, key: b"same")
    text = f"log {LOG.vkey}\nwitness w {WitnessKey(LOG.name).vkey}\nquorum none\n"
    with pytest.raises(MalformedPolicy, match="line 2: another key has the same name and key id"):
        policy(text)


def test_a_log_may_change_its_key() -> None:
    new_key = LogKey(LOG.name)
    parsed = policy(f"log {LOG.vkey}\nlog {new_key.vkey}\nquorum none\n")
    for key in (LOG, new_key):
        assert parsed.check(signed_checkpoint(key, [b"entry"])).log_name == LOG.name


def test_one_wrong_cosignature_spoils_the_checkpoint() -> None:
    text = Checkpoint(LOG.name, 1, bytes(32)).text()
    signed = note_from(text, [LOG.line(text), X1.line(b"another\n1\n")])
    with pytest.raises(InvalidSignature, match="x1"):
        policy(f"log {LOG.vkey}\n{W}quorum none\n").check(signed)


def test_refuses_what_is_no_checkpoint() -> None:
    parsed = policy(EXAMPLE)
    with pytest.raises(MalformedNote):
        parsed.check(b"no note")
    with pytest.raises(MalformedCheckpoint):
        parsed.check(note_from(b"text\n", [LOG.line(b"text\n")]))


@st.composite
def quorums(draw: st.DrawFn) -> str:
    """Groups of witnesses and of groups, and a quorum, of whatever shape the format permits."""
    free, lines = [name.decode() for name in NAMES], []
    names = list(free)
    for number in range(draw(st.integers(min_value=0, max_value=5))):
        members = draw(st.lists(st.sampled_from(free), min_size=1, unique=True))
        threshold = draw(st.sampled_from(["any", "all", *map(str, range(1, len(members) + 1))]))
        lines.append(f"group g{number} {threshold} {' '.join(members)}\n")
        free = [name for name in free if name not in members] + [f"g{number}"]
        names.append(f"g{number}")
    return "".join(lines) + f"quorum {draw(st.sampled_from([*names, 'none']))}\n"


@given(quorums())
def test_the_least_number_of_witnesses_is_that_of_the_smallest_set_that_is_a_quorum(groups: str) -> None:
    parsed = policy(f"log {LOG.vkey}\n{LINES}{groups}")
    sets = (names for count in range(7) for names in combinations(NAMES, count))

    assert parsed.least_witnesses == len(next(filter(parsed.is_quorum, sets)))

"""Checkpoints: the one text that states a size and a root."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.checkpoint import Checkpoint
from namak.evidence.errors import MalformedCheckpoint
from namak.evidence.note import parse_note

# The example of the standard (tlog-checkpoint and tlog-cosignature).
EXAMPLE = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku"
    "9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZ"
    "qhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
).encode()
ROOT = b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


def test_reads_the_standards_example() -> None:
    note = parse_note(EXAMPLE)
    checkpoint = Checkpoint.parse(note.text)
    assert (checkpoint.origin, checkpoint.size, checkpoint.extensions) == (
        "example.com/behind-the-sofa",
        20_852_163,
        (),
    )
    assert checkpoint.root.hex().startswith("0ac5186a91863e8e")
    assert checkpoint.text() == note.text
    assert len(note.signatures) == 2


@given(
    origin=st.text(alphabet="a.é/ +", min_size=1),
    size=st.integers(min_value=0, max_value=2**63 - 1),
    root=st.binary(min_size=32, max_size=32),
    extensions=st.lists(st.text(alphabet="x —", min_size=1)).map(tuple),
)
def test_comes_back(origin: str, size: int, root: bytes, extensions: tuple[str, ...]) -> None:
    checkpoint = Checkpoint(origin, size, root, extensions)
    assert Checkpoint.parse(checkpoint.text()) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"origin\n",
        b"origin\n1\n",
        b"origin\n1\n" + ROOT,
        b"origin\n1\n" + ROOT + b"\nextension",
        b"\n1\n" + ROOT + b"\n",
        b"origin\n\n" + ROOT + b"\n",
        b"origin\n01\n" + ROOT + b"\n",
        b"origin\n-1\n" + ROOT + b"\n",
        b"origin\n+1\n" + ROOT + b"\n",
        b"origin\n1 \n" + ROOT + b"\n",
        b"origin\n9223372036854775808\n" + ROOT + b"\n",
        b"origin\n1\n" + ROOT[:-1] + b"\n",
        b"origin\n1\n" + ROOT.replace(b"2I=", b"2J=") + b"\n",
        b"origin\n1\nAAAA\n",
        b"origin\n1\n\n",
        b"origin\n1\n" + ROOT + b"\n\n",
        b"origin\n1\n" + ROOT + b"\n\nextension\n",
        b"origin\r\n1\r\n" + ROOT + b"\r\n",
        b"origin\t\n1\n" + ROOT + b"\n",
        b"\xff\n1\n" + ROOT + b"\n",
    ],
    ids=repr,
)
def test_refuses_what_is_no_checkpoint(text: bytes) -> None:
    with pytest.raises(MalformedCheckpoint):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions"),
    [
        ("", 1, bytes(32), ()),
        ("a\n2", 1, bytes(32), ()),
        ("a", -1, bytes(32), ()),
        ("a", 2**63, bytes(32), ()),
        ("a", 1, bytes(31), ()),
        ("a", 1, bytes(32), ("",)),
        ("a", 1, bytes(32), ("x\ny",)),
    ],
)
def test_holds_nothing_that_it_could_not_write(
    origin: str, size: int, root: bytes, extensions: tuple[str, ...]
) -> None:
    with pytest.raises(MalformedCheckpoint):
        Checkpoint(origin, size, root, extensions)

"""Cosignatures: a witness's word on a checkpoint, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from namak.evidence.cosignature import (
    CosignatureVerifier,
    cosignature_time,
    cosigned_message,
    timestamped_signature,
)
from namak.evidence.errors import InvalidSignature, MalformedKey
from namak.evidence.note import note_from, open_note, parse_note, signature_line, vkey
from tests.unit.evidence.signing import LogKey, WitnessKey

TEXT = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
WITNESS = WitnessKey()


def test_the_message_is_that_of_the_standards_example() -> None:
    assert cosigned_message(TEXT, 1_679_315_147) == b"cosignature/v1\ntime 1679315147\n" + TEXT


def test_the_time_is_that_of_the_standards_example() -> None:
    note = note_from(
        TEXT,
        [
            "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJs"
            "X3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n".encode()
        ],
    )
    assert cosignature_time(parse_note(note).signatures[0]) == 1_679_315_147


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_opens_with_its_time(time: int) -> None:
    note = parse_note(note_from(TEXT, [WITNESS.line(TEXT, time)]))
    (signature,) = open_note(note, [WITNESS.verifier])
    assert cosignature_time(signature) == time


def test_any_changed_byte_is_refused() -> None:
    (line,) = parse_note(note_from(TEXT, [WITNESS.line(TEXT)])).signatures
    WITNESS.verifier.verify(TEXT, line.signature)
    for position in range(len(line.signature)):
        changed = bytearray(line.signature)
        changed[position] ^= 1
        with pytest.raises(InvalidSignature):
            WITNESS.verifier.verify(TEXT, bytes(changed))
    with pytest.raises(InvalidSignature):
        WITNESS.verifier.verify(TEXT.replace(b"163\n", b"164\n"), line.signature)


def test_a_plain_signature_of_the_same_key_is_no_cosignature() -> None:
    plain = LogKey(WITNESS.name, WITNESS.private)
    assert plain.key_id != WITNESS.verifier.key_id
    for signature in (WITNESS.private.sign(TEXT), bytes(8) + WITNESS.private.sign(TEXT)):
        note = note_from(TEXT, [signature_line(WITNESS.name, WITNESS.verifier.key_id, signature)])
        with pytest.raises(InvalidSignature):
            open_note(parse_note(note), [WITNESS.verifier])


def test_refuses_a_time_that_no_signed_number_holds() -> None:
    message = b"cosignature/v1\ntime %d\n" % 2**63 + TEXT
    with pytest.raises(InvalidSignature, match=r"2\*\*63"):
        WITNESS.verifier.verify(TEXT, (2**63).to_bytes(8, "big") + WITNESS.private.sign(message))
    with pytest.raises(ValueError, match=r"2\*\*63"):
        cosigned_message(TEXT, 2**63)
    with pytest.raises(ValueError, match="64 bytes"):
        timestamped_signature(1, bytes(63))


def test_reads_its_own_kind_of_key_only() -> None:
    assert CosignatureVerifier.parse(WITNESS.vkey) == WITNESS.verifier
    with pytest.raises(MalformedKey, match="0x01"):
        CosignatureVerifier.parse(vkey(WITNESS.name, WITNESS.public_key))
    with pytest.raises(MalformedKey):
        CosignatureVerifier("a name", WITNESS.public_key)

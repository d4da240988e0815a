"""Mailboxes opened in bulk: each line is told of, and stops no other."""

import pytest

from namak.evidence.administrative_act import AdministrativeAct
from server.domain.mailboxes import HolderKind, MailboxState
from server.jurisdictions.am import AM
from server.usecases.mailbox_import import (
    BlockOutcome,
    ImportBlock,
    ImportedLine,
    MailboxImport,
    Outcome,
    opened_digest,
)
from server.usecases.mailbox_register import OpenMailbox, SetMailboxState
from tests.unit.usecases.registers import Registers

ANI, BOB, EVA = "5001950015", "5001950016", "5001950017"


@pytest.fixture
def registers() -> Registers:
    return Registers()


async def imported(registers: Registers, *lines: bytes, first: int = 1) -> BlockOutcome:
    imports = MailboxImport(
        administration=registers.administration, clock=registers.clock, entropy=registers.entropy, profile=AM
    )
    return await imports.open_block(ImportBlock(registers.operator, first, lines))


def addresses(registers: Registers) -> list[str]:
    return sorted(mailbox.address for mailbox in registers.uow.committed.mailboxes.values())


async def test_each_number_gets_a_mailbox(registers: Registers) -> None:
    outcome = await imported(registers, BOB.encode(), ANI.encode(), first=7)
    assert outcome == BlockOutcome(through_line=8, opened=2, skipped=0, others=())
    assert addresses(registers) == [f"{ANI}@e-citizen.am", f"{BOB}@e-citizen.am"]
    (mailbox, _) = registers.uow.committed.mailboxes.values()
    assert (mailbox.holder_kind, mailbox.state) == (HolderKind.PERSON, MailboxState.OPEN)


async def test_broken_lines_are_told_of_and_the_rest_lands(registers: Registers) -> None:
    outcome = await imported(
        registers,
        b"\xef\xbb\xbf" + ANI.encode(),
        b"",
        b"# a remark",
        b"500195001",
        b"\xff\xfe5001950018",
        b"5" * 201,
        "５００１９５００１８".encode(),
        ANI.encode() + b"\r",
        b"  " + BOB.encode() + b"\t\r",
        b"22335588",
        EVA.encode(),
        first=1,
    )
    assert (outcome.through_line, outcome.opened, outcome.skipped) == (11, 3, 2)
    assert outcome.others == (
        ImportedLine(4, Outcome.MALFORMED, "NUMBER_MALFORMED"),
        ImportedLine(5, Outcome.MALFORMED, "NOT_UTF_8"),
        ImportedLine(6, Outcome.MALFORMED, "TOO_LONG"),
        ImportedLine(7, Outcome.MALFORMED, "NUMBER_MALFORMED"),
        ImportedLine(8, Outcome.REPEATED),
        # A state body's or a company's code is no person's number.
        ImportedLine(10, Outcome.MALFORMED, "NUMBER_MALFORMED"),
    )
    assert addresses(registers) == [f"{number}@e-citizen.am" for number in (ANI, BOB, EVA)]


async def test_a_byte_order_mark_counts_at_the_beginning_of_the_file_only(registers: Registers) -> None:
    outcome = await imported(registers, b"\xef\xbb\xbf" + ANI.encode(), first=2)
    assert outcome.others == (ImportedLine(2, Outcome.MALFORMED, "NUMBER_MALFORMED"),)


async def test_lines_that_are_sent_again_open_nothing_and_are_told_of(registers: Registers) -> None:
    await imported(registers, ANI.encode(), BOB.encode())
    recorded = len(registers.acts_so_far())
    again = await imported(registers, ANI.encode(), b"x", BOB.encode())
    assert again.opened == 0
    assert again.others == (
        ImportedLine(1, Outcome.THERE_ALREADY),
        ImportedLine(2, Outcome.MALFORMED, "NUMBER_MALFORMED"),
        ImportedLine(3, Outcome.THERE_ALREADY),
    )
    # What changes nothing leaves no evidence.
    assert len(registers.acts_so_far()) == recorded


async def test_a_closed_mailbox_stays_closed(registers: Registers) -> None:
    address = f"{ANI}@e-citizen.am"
    await registers.mailboxes.open_mailbox(OpenMailbox(registers.operator, "1", address))
    closed = SetMailboxState(registers.operator, "2", address, MailboxState.CLOSED)
    await registers.mailboxes.set_state(closed)
    outcome = await imported(registers, ANI.encode(), BOB.encode())
    assert (outcome.opened, outcome.others) == (1, (ImportedLine(1, Outcome.THERE_ALREADY),))
    states = {each.address: each.state for each in registers.uow.committed.mailboxes.values()}
    assert states[address] is MailboxState.CLOSED


async def test_a_block_is_one_act_that_names_what_it_opened_by_a_digest(registers: Registers) -> None:
    await imported(registers, EVA.encode(), b"wrong", ANI.encode(), first=41)
    (fact,) = registers.uow.committed.queue
    details = AdministrativeAct.parse(fact.data).details
    assert (details.act, details.resource.kind, details.before) == ("ImportMailboxes", "MAILBOX_BLOCK", None)
    assert details.after == {
        "first_line": "41",
        "through_line": "43",
        "opened": "2",
        "addresses_sha256": opened_digest(addresses(registers)).hex(),
    }
    assert ANI not in fact.data.decode()

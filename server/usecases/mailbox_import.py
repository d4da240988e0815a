"""Mailboxes opened many at once, from the register of identity cards (POST-3)."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from server.domain import identifiers, limits
from server.domain.administration import Actor, Snapshot, block_resource
from server.domain.applications import check_way_open
from server.domain.mailboxes import HolderKind, Mailbox, MailboxState
from server.domain.malformed import Malformed
from server.domain.profile import Profile, RegistrationWay
from server.usecases.administration import Act, Administration, Changed
from server.usecases.ports import Clock, Entropy, Transaction

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class Outcome(StrEnum):
    """Why a line opened no mailbox."""

    MALFORMED = "MALFORMED"
    THERE_ALREADY = "THERE_ALREADY"
    REPEATED = "REPEATED"


@dataclass(frozen=True, slots=True)
class ImportBlock:
    """Lines of the register's file, without their ends; `first_line` is the number of the first, from 1."""

    by: Actor
    first_line: int
    lines: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class ImportedLine:
    """A line that opened no mailbox; `problem` says why it is malformed, a constant in UPPER_SNAKE."""

    line: int
    outcome: Outcome
    problem: str = ""


@dataclass(frozen=True, slots=True)
class BlockOutcome:
    """What became of a block: all its lines up to `through_line` are dealt with."""

    through_line: int
    opened: int
    skipped: int
    others: tuple[ImportedLine, ...]


class MailboxImport:
    """Opens mailboxes block by block. A block is one transaction and one act; again it opens nothing."""

    def __init__(
        self, *, administration: Administration, clock: Clock, entropy: Entropy, profile: Profile
    ) -> None:
        self._administration = administration
        self._clock = clock
        self._entropy = entropy
        self._profile = profile

    async def open_block(self, command: ImportBlock) -> BlockOutcome:
        """Opens a mailbox for each number that has none; the other lines are told, and stop nothing.

        Raises:
            RegistrationWayClosed: persons do not come by mailboxes in this way here.
        """
        check_way_open(self._profile.registration, HolderKind.PERSON, RegistrationWay.CARD_REGISTER)
        numbers, others, skipped = self._read(command)
        now = self._clock.now()
        wanted = [
            Mailbox(
                self._entropy.new_id(),
                f"{number}@{self._profile.mailbox_domain}",
                HolderKind.PERSON,
                number,
                MailboxState.OPEN,
                now,
            )
            for number in numbers
        ]
        through = command.first_line + len(command.lines) - 1

        async def change(tx: Transaction) -> Changed[BlockOutcome]:
            added = await tx.mailboxes.add_all(wanted)
            there = [
                ImportedLine(numbers[mailbox.holder_number], Outcome.THERE_ALREADY)
                for mailbox in wanted
                if mailbox.id not in added
            ]
            told = tuple(sorted((*others, *there), key=lambda each: each.line))
            opened = sorted(mailbox.address for mailbox in wanted if mailbox.id in added)
            resource = block_resource(block_id)
            after = _snapshot(command.first_line, through, opened) if opened else None
            return Changed(BlockOutcome(through, len(opened), skipped, told), resource, None, None, after)

        async def again(_tx: Transaction, _subject: object) -> BlockOutcome:
            raise LookupError("what has no request id was repeated under one")

        block_id = self._entropy.new_id()
        act = Act("ImportMailboxes", command.by, None, (), block_id)
        return await self._administration.carry_out(act, change, again)

    def _read(self, command: ImportBlock) -> tuple[dict[str, int], list[ImportedLine], int]:
        """Returns the numbers with their lines, what is wrong with other lines, and how many say nothing."""
        numbers: dict[str, int] = {}
        others: list[ImportedLine] = []
        skipped = 0
        for line, content in enumerate(command.lines, command.first_line):
            said = (content.removeprefix(_BYTE_ORDER_MARK) if line == 1 else content).strip()
            if not said or said.startswith(b"#"):
                skipped += 1
                continue
            try:
                number = self._number(said)
            except Malformed as problem:
                others.append(ImportedLine(line, Outcome.MALFORMED, problem.reason))
                continue
            if number in numbers:
                others.append(ImportedLine(line, Outcome.REPEATED))
            else:
                numbers[number] = line
        return numbers, others, skipped

    def _number(self, said: bytes) -> str:
        if len(said) > limits.IMPORT_LINE_BYTES:
            raise Malformed("TOO_LONG", f"must have at most {limits.IMPORT_LINE_BYTES} bytes")
        try:
            text = said.decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("NOT_UTF_8", "must be UTF-8") from None
        return identifiers.person_number(text, self._profile, "NUMBER_MALFORMED")


def opened_digest(addresses: Sequence[str]) -> bytes:
    """Returns what evidence names the mailboxes by that were opened together: the SHA-256 over a tag and
    their addresses in sorted order, each with a line's end.
    """
    digest = hashlib.sha256(b"namak-mailbox-block/1\x00")
    for address in sorted(addresses):
        digest.update(f"{address}\n".encode())
    return digest.digest()


def _snapshot(first_line: int, through: int, opened: Sequence[str]) -> Snapshot:
    return {
        "first_line": str(first_line),
        "through_line": str(through),
        "opened": str(len(opened)),
        "addresses_sha256": opened_digest(opened).hex(),
    }

"""The account at the end: every message, its copies, its receipts; from outside, and from the tables."""

import asyncio
import traceback
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from namak.evidence import events
from namak.evidence.details import Details
from namak.evidence.document import EvidenceDocument
from namak.evidence.report import Verdict
from namak.evidence.tlog_policy import TlogPolicy
from namak.evidence.verify import Trust, verify_receipts
from scripts.soaking.mailing import MailBooks
from scripts.soaking.settling import LADDER, Box
from scripts.soaking.yard import CONCURRENCY, Yard
from tests.faults.account import Account
from tests.faults.told import Told

FORWARDED = frozenset(
    {
        events.CONSIGNMENT_NOTIFICATION.uri,
        events.CONSIGNMENT_NOTIFICATION_FAILURE.uri,
        events.RELAY_TO_NON_ERDS.uri,
        events.RELAY_TO_NON_ERDS_FAILURE.uri,
    }
)
"""What may become of a copy."""
LADDERS = frozenset({events.NOTICE_PUBLISHED.uri, events.NOTIFICATION_EFFECTED.uri})
"""What the ladder records."""
_QUERIES = {
    "copies": "SELECT delivery_id, target_id, state FROM forwarded_copies",
    "targets": "SELECT id, mailbox_id, kind FROM forwarding_targets",
    "jobs": """
        SELECT task_name, status FROM jobs.procrastinate_jobs
        WHERE task_name <> 'notices.withdraw' -- they come about by and by
    """,
    "recipients": "SELECT id, mailbox_id, recipient, notification_policy, state FROM deliveries",
    "segments": "SELECT text_id, number, total FROM sms_segments",
}
_SHOWN = 5


@dataclass
class Check:
    """One thing that must be true; `wrong` says where it is not."""

    name: str
    wrong: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether it is."""
        return not self.wrong


@dataclass
class Reckoning:
    """All checks, and what was counted."""

    checks: list[Check] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return all(check.passed for check in self.checks)

    def look(self, name: str, wrong: Sequence[str]) -> None:
        """Notes a check."""
        self.checks.append(Check(name, wrong))

    def hold(self, name: str, check: Callable[[], None]) -> None:
        """Notes a check that raises where something is wrong."""
        try:
            check()
        except Exception as problem:  # noqa: BLE001 - whatever it raises, it is not as it should be
            place = traceback.extract_tb(problem.__traceback__)[-1]
            self.look(name, [f"{type(problem).__name__}: {problem} ({place.name}: {place.line})"])
        else:
            self.look(name, ())


async def read_books(yard: Yard) -> Account:
    """Reads all tables, when all that waited is done."""
    async with (
        Account.opened(yard.url, yard.world, besides=FORWARDED | LADDERS) as account,
        account.connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await account.read()
        for name, query in _QUERIES.items():
            account.rows[name] = await account.connection.fetch(query)
    return account


def compare(yard: Yard, account: Account, told: Told, mails: MailBooks, guard: bytes) -> Reckoning:
    """Compares the tables with each other, with what senders were told, and with what came outside."""
    result = Reckoning()
    _look_at_tables(result, account, told, guard)
    _look_at_mails(result, account, told, mails)
    _look_at_copies(result, yard, account)
    _look_at_receipts_by_mail(result, yard, account)
    _look_at_ladders(result, yard, account)
    result.figures |= {
        "log_entries": account.size,
        "checkpoints": len(account.rows["checkpoints"]),
        "checkpoints_seen": len(told.checkpoints),
        "receipts_verified_by_grpc_senders": len(told.receipts),
    }
    return result


def _look_at_tables(result: Reckoning, account: Account, told: Told, guard: bytes) -> None:
    for name, check in account.checks().items():
        result.hold(name, check)
    for name, check in account.checks_of_told(told).items():
        result.hold(name, check)
    result.hold("the guard is the newest checkpoint", lambda: account.check_guard(guard))
    unanswered = told.submissions.keys() - told.answers.keys()
    result.look("every request over gRPC was answered in the end", sorted(unanswered)[:_SHOWN])
    left = Counter((row["task_name"], row["status"]) for row in account.rows["jobs"])
    result.look("no job waits, and none is a dead letter", [f"{key}: {n}" for key, n in left.items()])
    result.figures |= {
        "accepted_over_grpc": len(told.accepted),
        "refused_over_grpc": len(told.refused),
        "tries_without_an_answer_over_grpc": len(told.failures),
        "why": told.reasons,
    }


def _look_at_mails(result: Reckoning, account: Account, told: Told, mails: MailBooks) -> None:
    recipients = {row["id"]: row["recipient"] for row in account.rows["recipients"]}
    stored: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in account.rows["mailed"]:
        stored[row["message_id"], recipients[row["delivery_id"]]].append(str(row["delivery_id"]))
    wrong = list(mails.wrong)
    for name, to in mails.sent.items():
        ids = tuple(",".join(stored.pop((name, each), [])) for each in to)
        if mails.answered.get(name) != ids:
            wrong.append(f"{name}: answered {mails.answered.get(name)}, stored {ids}")
    wrong += [f"{key}: nobody sent it" for key in stored]
    result.look("every mail was answered, and is one delivery to each recipient", wrong[:_SHOWN])
    unasked = len(recipients) - len(told.accepted) - mails.messages
    result.look(
        "there are as many deliveries as were accepted, and no other", [f"{unasked} more"] if unasked else []
    )
    result.figures |= {
        "mails": len(mails.sent),
        "accepted_by_mail": sum(map(len, mails.answered.values())),
        "mails_sent_again": mails.repeated,
        "deliveries": len(recipients),
    }


def _look_at_copies(result: Reckoning, yard: Yard, account: Account) -> None:
    targets = defaultdict(list)
    for row in account.rows["targets"]:
        targets[row["mailbox_id"]].append(row)
    copies = {(row["delivery_id"], row["target_id"]): row["state"] for row in account.rows["copies"]}
    facts: dict[UUID, list[tuple[str, str, bool]]] = defaultdict(list)
    for row in account.rows["evidence"]:
        if row["event"] in FORWARDED:
            facts[row["delivery_id"]].append(_told_of_copy(row["document"]))
    wrong, sent, states = [], Counter[str](), Counter[str]()
    addresses = {box.address: box for box in yard.boxes}
    for row in account.rows["recipients"]:
        expected = Counter[tuple[str, bool]]()
        for target in targets[row["mailbox_id"]]:
            state = copies.pop((row["id"], target["id"]), "none")
            states[f"{target['kind']} {state}"] += 1
            if state not in ("SENT", "DELIVERED", "BOUNCED", "FAILED"):
                wrong.append(f"{row['id']}: a copy is {state}")
            channel = "SMS" if target["kind"] == "PHONE" else "EMAIL"
            expected[channel, False] += 1
            expected[channel, True] += state in ("DELIVERED", "BOUNCED")
            box = addresses[row["recipient"]]
            if state != "FAILED":
                sent[box.phone if channel == "SMS" else box.mail] += 1
        found = Counter((channel, reported) for _, channel, reported in facts.pop(row["id"], []))
        if found != +expected:
            wrong.append(f"{row['id']}: {dict(found)} facts of copies instead of {dict(+expected)}")
    wrong += [f"{key}: a copy of nothing" for key in copies] + [f"{key}: facts of nothing" for key in facts]
    result.look("every copy has exactly one success or failure, as a fact", wrong[:_SHOWN])
    _look_at_homes(result, yard, account, sent)
    result.figures["copies"] = dict(sorted(states.items()))


def _told_of_copy(document: bytes) -> tuple[str, str, bool]:
    """Returns event, channel, and whether a phone's network reported it."""
    parsed = EvidenceDocument.parse(document)
    details: Details | None = parsed.details
    return parsed.event.name, getattr(details, "channel", ""), bool(getattr(details, "reported_time", None))


def _look_at_homes(result: Reckoning, yard: Yard, account: Account, sent: Mapping[str, int]) -> None:
    home, centre = yard.home, yard.phones.centre
    mails = Counter(address for address, _ in home.taken if address not in home.senders)
    wanted = {address: sent[address] for address in (box.mail for box in yard.boxes) if sent[address]}
    result.look(
        "outside there is a mail for each copy, by Message-IDs, and no other",
        [
            f"{address}: {mails[address]} instead of {wanted.get(address, 0)}"
            for address in mails.keys() | wanted.keys()
            if mails[address] != wanted.get(address, 0)
        ],
    )
    segments = defaultdict(set)
    totals = {}
    for row in account.rows["segments"]:
        segments[row["text_id"]].add(row["number"])
        totals[row["text_id"]] = row["total"]
    needed = sum(totals.values())
    texts = sum(sent[box.phone] for box in yard.boxes if box.phone)
    wrong = [str(each) for each, numbers in segments.items() if len(numbers) != totals[each]]
    wrong += [f"{len(totals)} texts instead of {texts}"] * (len(totals) != texts)
    wrong += [f"{len(centre.taken)} segments taken, {needed} needed"] * (len(centre.taken) < needed)
    result.look("the centre took every segment of every text", wrong[:_SHOWN])
    killed = sum(each.kills for each in yard.of("work"))
    # Each job under way may be done again, and one of spreading sends to all targets of a mailbox.
    most = killed * CONCURRENCY * max(box.targets for box in yard.boxes)
    twice = {"mails": home.twice, "segments": len(centre.taken) - needed}
    result.look(
        "what came twice is what a kill explains",
        [f"{what}: {count}, at most {most}" for what, count in twice.items() if count > most],
    )
    result.figures |= {
        "mails_taken": sum(home.taken.values()),
        "mails_put_off": home.put_off,
        "mails_taken_twice": twice["mails"],
        "segments_taken": len(centre.taken),
        "segments_taken_twice": twice["segments"],
        "reports_delivered": yard.phones.reported,
    }


def _look_at_ladders(result: Reckoning, yard: Yard, account: Account) -> None:
    facts: dict[UUID, list[str]] = defaultdict(list)
    for row in account.rows["evidence"]:
        if row["event"] in LADDERS:
            facts[row["delivery_id"]].append(row["event"])
    both = [events.NOTICE_PUBLISHED.uri, events.NOTIFICATION_EFFECTED.uri]
    wrong, ladders = [], 0
    for row in account.rows["recipients"]:
        climbs = row["notification_policy"] == LADDER
        ladders += climbs
        if (facts.pop(row["id"], []), row["state"]) != ((both, "NOTIFIED") if climbs else ([], "CONSIGNED")):
            wrong.append(f"{row['id']}: {row['state']}")
    wrong += [str(each) for each in facts]
    result.look("every ladder has one notice and one effect, and nobody else is notified", wrong[:_SHOWN])
    notices = len({path for method, path in yard.gazette.asked if method == "PUT"})
    result.look(
        "the gazette was given one notice for each",
        [f"{notices} instead of {ladders}"] * (notices != ladders),
    )
    asked = sum(method == "PUT" for method, _ in yard.gazette.asked)
    result.figures |= {"notices": notices, "notices_put_again": asked - notices}


def _look_at_receipts_by_mail(result: Reckoning, yard: Yard, account: Account) -> None:
    mailed = {str(row["delivery_id"]) for row in account.rows["mailed"]}
    files: dict[str, bytes] = {}
    seen, wrong = Counter[str](), []
    for name, mail in yard.home.receipts.items():
        attached = {
            str(part.get_filename()): part.get_payload(decode=True)
            for part in mail.walk()
            if str(part.get_filename()).endswith(".tlog-proof")
        }
        about = {each[:36] for each in attached}
        if len(attached) != 2 or len(about) != 1:
            wrong.append(f"{name}: {sorted(attached)}")
        seen.update(about)
        files |= {each: content for each, content in attached.items() if isinstance(content, bytes)}
    wrong += [
        f"{each}: {seen[each]} mails" for each in mailed | seen.keys() if seen[each] != (each in mailed)
    ]
    result.look("who sent by mail got the receipts of each delivery, once", wrong[:_SHOWN])
    report = verify_receipts(files, _trust(account))
    bad = [file.name or "?" for file in report.files if file.verdict is not Verdict.VALID]
    result.look("the receipts that came by mail verify", bad[:_SHOWN])
    result.figures["receipts_verified_by_mail_senders"] = len(files)


def _trust(account: Account) -> Trust:
    policy: TlogPolicy = account.policy
    return Trust(policy, citizen_roots=[])


async def ask_holders(result: Reckoning, yard: Yard, account: Account) -> None:
    """Has all holders list their mailboxes, and prove that nothing is missing, with receipts that verify."""
    expected: dict[str, set[str]] = defaultdict(set)
    for row in account.rows["recipients"]:
        expected[row["recipient"]].add(str(row["id"]))
    wrong: list[str] = []
    proven = 0

    async def ask(box: Box) -> None:
        nonlocal proven
        async with await yard.holder(box) as holder:
            listed = [each.delivery_id async for each in holder.mailbox.messages(page_size=200)]
            if sorted(listed) != sorted(expected[box.address]):
                wrong.append(f"{box.address}: {len(listed)} listed, {len(expected[box.address])} stored")
            proof = await holder.mailbox.prove(_trust(account))
            proven += len(listed) - len(proof.unproven)
            if not proof.is_complete:
                said = [str(each) for each in proof.chain.findings] + [each.words for each in proof.unproven]
                wrong.append(f"{box.address}: {said[:_SHOWN]}")

    for box in yard.boxes:
        await _within(ask(box), wrong, box.address)
    result.look("holders find every message, and prove that none is missing", wrong[:_SHOWN])
    result.figures["messages_proven_by_holders"] = proven


async def _within(asking: Awaitable[None], wrong: list[str], name: str) -> None:
    try:
        await asyncio.wait_for(asking, 300)
    except Exception as problem:  # noqa: BLE001 - it is a finding
        wrong.append(f"{name}: {type(problem).__name__}: {problem}")

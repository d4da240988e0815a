"""The account itself: it is out as soon as one thing in the books, or in what callers were told, is wrong."""

import copy
import functools
import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from namak.evidence import EvidenceError
from tests.faults.account import Account
from tests.faults.agency import Agency
from tests.faults.register import ENTITY, NOBODY, PERSON
from tests.faults.scene import Scene
from tests.faults.told import Told

pytestmark = [pytest.mark.faults, pytest.mark.hsm]

_WITHOUT_TRIGGERS = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('ALTER TABLE %I DISABLE TRIGGER ALL', name);
    END LOOP;
END $$
"""

TAMPERINGS = {
    "entry lost": "DELETE FROM log_entries WHERE leaf_index = 3",
    "entry doubled": """
        INSERT INTO log_entries SELECT origin, leaf_index + 1, entry, gen_random_uuid() FROM log_entries
        ORDER BY leaf_index DESC LIMIT 1
    """,
    "entries swapped": """
        UPDATE log_entries a SET entry = b.entry FROM log_entries b
        WHERE (a.leaf_index, b.leaf_index) IN ((0, 1), (1, 0))
    """,
    "evidence lost": "DELETE FROM evidence WHERE event LIKE '%SubmissionRejection'",
    "root of an old tree": """
        UPDATE log_trees SET root = sha256(root) WHERE size = (SELECT min(size) FROM log_trees)
    """,
    "tree unsigned": "DELETE FROM log_checkpoints WHERE size = (SELECT min(size) FROM log_checkpoints)",
    "note moved": """
        UPDATE log_checkpoints SET note = (SELECT note FROM log_checkpoints ORDER BY size LIMIT 1)
    """,
    "tile": "UPDATE log_tiles SET hashes = sha256(hashes) || substr(hashes, 33)",
    "link": "UPDATE mailbox_links SET nonce = sha256(nonce) WHERE sequence = 1",
    "chain cut": "DELETE FROM mailbox_links WHERE sequence = 2",
    "chain's end": "UPDATE mailbox_heads SET link = sha256(link)",
    "delivery lost": "DELETE FROM deliveries WHERE sequence = 1",
    "refusal lost": "DELETE FROM refusals",
    "claim lost": "DELETE FROM claims WHERE request_id LIKE 'books%'",
}


def _other_delivery(told: Told) -> None:
    request_id, answer = next(iter(told.accepted.items()))
    told.answers[request_id] = replace(answer, delivery_id="00000000-0000-7000-8000-000000000000")


def _other_evidence(told: Told) -> None:
    request_id, answer = next(iter(told.accepted.items()))
    told.answers[request_id] = replace(answer, documents=answer.documents[:1])


def _other_refusal(told: Told) -> None:
    request_id, answer = next(iter(told.refused.items()))
    told.answers[request_id] = replace(answer, reason="MAILBOX_CLOSED")


def _other_receipt(told: Told) -> None:
    told.receipts[0] = _counted_on(rb"(?<=index )\d+(?=\n)", told.receipts[0])


def _never_asked(told: Told) -> None:
    told.submissions.clear()


def _other_checkpoint(told: Told) -> None:
    note = told.checkpoints.pop()
    told.checkpoints.add(_counted_on(rb"(?<=\n)\d+(?=\n)", note))


def _counted_on(number: bytes, text: bytes) -> bytes:
    """Adds one to the first number that the pattern finds."""
    return re.sub(number, lambda found: str(int(found[0]) + 1).encode(), text, count=1)


DISTORTIONS: tuple[Callable[[Told], None], ...] = (
    _other_delivery,
    _other_evidence,
    _other_refusal,
    _other_receipt,
    _other_checkpoint,
    _never_asked,
)


async def test_the_account_is_out_when_anything_is_wrong(scene: Scene) -> None:
    (server,) = await scene.start("one")
    agency = Agency("books", scene.replicas, scene.told)
    for recipients in ([PERSON], [ENTITY, PERSON, NOBODY], [PERSON, ENTITY]):
        await agency.send([agency.letter(each) for each in recipients])
    account = await scene.balance()
    await scene.stop(server)

    with pytest.raises(AssertionError):
        account.check_guard(account.rows["checkpoints"][0]["note"])
    for distort in DISTORTIONS:
        distorted = copy.deepcopy(scene.told)
        distort(distorted)
        assert is_out(functools.partial(account.check_told, distorted)), distort.__name__
    async with Account.opened(scene.url, scene.world) as tampered:
        for name, statement in TAMPERINGS.items():
            transaction = tampered.connection.transaction()
            await transaction.start()
            await tampered.connection.execute(_WITHOUT_TRIGGERS)
            assert not (await tampered.connection.execute(statement)).endswith(" 0")
            await tampered.read()
            assert is_out(tampered.check), name
            await transaction.rollback()
        await tampered.read()
        tampered.check()


def is_out(check: Callable[[], None]) -> bool:
    """Whether a check fails."""
    try:
        check()
    except (AssertionError, EvidenceError, LookupError, ValueError):
        return True
    return False

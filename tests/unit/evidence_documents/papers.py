"""What evidence says of letters on paper, for tests: one that holds, and arbitrary ones."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from namak.evidence.copy_statement import TRUE_COPY, CopyStatement, copy_statement
from namak.evidence.custody import CustodyAct, CustodyStep, chained
from namak.evidence.details_paper import PaperDetails, PaperSender

RECEIVED_AT = datetime(2026, 11, 20, 7, 15, tzinfo=UTC)
DIGEST = hashlib.sha256(b"some evidence").hexdigest()
CLERK = hashlib.sha256(b"a clerk's certificate").hexdigest()
SCANS = (hashlib.sha256(b"the tax.\n").digest(),)
"""The digests of the parts that the documents of these tests have."""

_POST = "Երևան 10, Սարյան 22"


def steps(*acts: CustodyAct) -> tuple[CustodyStep, ...]:
    """Returns steps an hour apart, without digests; by default those of an ordinary letter."""
    usual = (CustodyAct.RECEIVED, CustodyAct.OPENED, CustodyAct.SCANNED, CustodyAct.STORED)
    return tuple(
        CustodyStep(act, RECEIVED_AT + timedelta(hours=number), _POST, "գործավար 17")
        for number, act in enumerate(acts or usual)
    )


def paper_details(
    consignment: str = DIGEST,
    custody: Sequence[CustodyStep] | None = None,
    statement: CopyStatement | None = None,
    sender: PaperSender | None = None,
) -> PaperDetails:
    """Returns what holds, but for what is given."""
    return PaperDetails(
        consignment=consignment,
        clerk=CLERK,
        custody=chained(steps(), SCANS) if custody is None else tuple(custody),
        original="Երևան 10, դարան 4, գործ 2026/118",
        copy_statement=statement or copy_statement(TRUE_COPY, "hy"),
        paper_sender=sender or PaperSender("Գոհար Սարգսյան", ("Մաշտոցի 5, բն. 12", "3101 Գյումրի")),
        tracking="RR473124829AM",
    )


def any_paper_details(
    digests: st.SearchStrategy[str],
    lines: st.SearchStrategy[str],
    times: st.SearchStrategy[datetime],
    tracking: st.SearchStrategy[str],
) -> st.SearchStrategy[PaperDetails]:
    """Draws whatever the format permits, whether or not it holds."""
    step = st.builds(CustodyStep, st.sampled_from(CustodyAct), times, lines, lines, digests)
    named = st.builds(PaperSender, lines, st.lists(lines, max_size=5).map(tuple))
    nameless = st.builds(PaperSender, st.none(), st.lists(lines, min_size=1, max_size=5).map(tuple))
    statement = st.builds(CopyStatement, st.just("true-copy@2"), st.sampled_from(["hy", "xx"]), lines)
    return st.builds(
        PaperDetails,
        digests,
        digests,
        st.lists(step, min_size=1, max_size=3).map(tuple),
        lines,
        statement,
        st.none() | named | nameless,
        st.none() | tracking,
    )

"""Judges letters that came on paper inside the transaction that will record them (BOX-11)."""

from collections.abc import Sequence

from server.domain.deliveries import Party
from server.domain.paper_desk import PAPER_DESK_ID, PaperDesk
from server.usecases.asked import Asked
from server.usecases.findings import Findings, mailbox_refusal


def judge_papers(papers: Sequence[Asked], confirmed_only: bool, found: Findings) -> None:
    """Adds its judgement to what was found; the mailboxes are locked.

    The desk may send: it is the post's own. `confirmed_only` holds here too (BOX-9): what a holder who has
    proved nothing yet is not given electronically goes on by paper.
    """
    for asked in papers:
        desk = asked.caller
        assert isinstance(desk, PaperDesk)
        found.parties[PAPER_DESK_ID] = Party(PAPER_DESK_ID, desk.code, desk.name)
        found.permitted[asked.key] = PAPER_DESK_ID
        if why := mailbox_refusal(found.mailboxes, asked.submission.recipient, confirmed_only):
            found.refused[asked.key] = why

"""What a holder is shown of the paper that a message is the copy of."""

from collections.abc import Sequence

from namak.cli import shapes
from namak.cli.texts import N_, _
from namak.v1 import mailbox_pb2, paper_pb2


def sender_of(message: mailbox_pb2.Message) -> str:
    """Returns who a message is from, for lists: of a letter on paper whom the paper names."""
    if not message.HasField("paper"):
        return f"{message.sender_name} <{message.sender}>"
    return _("on paper: {name}").format(name=message.paper.paper_sender.name or _("not known"))


def paper_fields(paper: paper_pb2.PaperOrigin) -> Sequence[tuple[str, str]]:
    """Returns what is known of a paper, in rows for people; what is not known has none."""
    named = paper.paper_sender
    rows = (
        (N_("The paper names"), named.name or _("not known")),
        (N_("Its address"), ", ".join(named.address_lines)),
        (N_("Came to the post"), f"{shapes.when(paper.receive_time)}, {paper.receive_place}"),
        (N_("Number"), paper.tracking_number),
        (N_("The paper is kept"), paper.original),
    )
    return [(name, value) for name, value in rows if value]

"""Notification policies in words, from their data."""

from collections.abc import Mapping, Sequence

from namak.cli.texts import N_, _, ngettext
from namak.evidence.calendars import Counted, Span
from namak.evidence.events import Event
from namak.evidence.notification_steps import Action, Since, SinceStep, TimeOf, Wait
from namak.evidence.policy_rules import NotificationPolicy, Rule
from namak.evidence.simulation import Entry, Kind, Why

EVENTS: Mapping[str, str] = {
    "ContentConsignment": N_("the message lies in the mailbox"),
    "ContentAccessTracking": N_("the message is opened"),
    "ReadingConfirmed": N_("the reading is confirmed by signature"),
    "HolderSignedIn": N_("the holder signs in"),
    "Withdrawn": N_("the sender withdraws the message"),
    "ConsignmentNotification": N_("the holder is told by e-mail or SMS"),
    "ConsignmentNotificationFailure": N_("telling the holder by e-mail or SMS fails"),
    "RelayToNonERDS": N_("a copy is forwarded"),
    "RelayToNonERDSFailure": N_("forwarding a copy fails"),
    "LetterPrinted": N_("the letter is printed"),
    "LetterPosted": N_("the letter is posted"),
    "LetterHandedOver": N_("the letter is handed over"),
    "LetterRefused": N_("the letter is refused"),
    "LetterReturned": N_("the letter comes back"),
    "NoticePublished": N_("the public notice is published"),
}
"""What each event means, as the rest of a sentence."""

ACTIONS: Mapping[Action, str] = {
    Action.NUDGE: N_("tell the holder by e-mail or SMS"),
    Action.LETTER: N_("send a registered letter on paper"),
    Action.NOTICE: N_("publish a notice"),
}

SAID: Sequence[str] = (
    N_(
        "A person is also properly notified when the information was sent to their official address and "
        "there is an electronic confirmation that it was read."
    ),
    N_(
        "Once a person signs in, the notice is delivered. Not within three days of posting: a registered "
        "letter. Not received or refused after seven days: azdarar.am; delivered on the seventh day."
    ),
    N_(
        "The seven days before the public notice are counted from the sending of the letter; the person is "
        "notified seven days after the publication. No figure for the wait before the letter."
    ),
    N_(
        "No figure for the wait before the letter. It is not received within seven days, or refused: "
        "azdarar.am, and properly notified on the seventh day."
    ),
    N_(
        "Three days without signing in, then the letter; where it fails or is refused the public notice, "
        "without a figure between them; notified seven days after the publication."
    ),
    N_(
        "The beginning only could be read. A public notice is placed on the site within two working days of "
        "the receipt of its text; so it is the publication, and not our order, that the last wait starts "
        "from."
    ),
    N_(
        "Days are whole civil days: the day on which a wait starts does not count, the last one does to its "
        "end. No report says how they are counted."
    ),
    N_(
        "The wait before the public notice starts when the letter is due, three days after the consignment: "
        "one report counts it from the sending of the letter, the others do not say. A letter that is "
        "refused is followed by the notice at the same time as one that never came."
    ),
    N_(
        "Who is handed the letter is notified at the time that the post reports. No report says so in words; "
        "that only a letter not received is followed by a notice does."
    ),
)
"""What the shipped policies' data says of its sources, and assumes; a test compares them."""


def happens(event: Event) -> str:
    """Returns what an event means, in the language spoken now."""
    return _(EVENTS.get(event.name, event.name))


def span(days: Span) -> str:
    """Returns so many days, and how they are counted."""
    match days.counted:
        case Counted.ELAPSED:
            text = ngettext("{number} day of 24 hours", "{number} days of 24 hours", days.days)
        case Counted.WORKING:
            text = ngettext("{number} whole working day", "{number} whole working days", days.days)
        case _:
            text = ngettext("{number} whole day", "{number} whole days", days.days)
    return text.format(number=days.days)


def wait(awaited: Wait) -> str:
    """Returns a wait and what it starts from."""
    if isinstance(awaited.since, SinceStep):
        start = _("{step} is due").format(step=awaited.since.step)
    else:
        start = _start(awaited.since)
    if not awaited.span.days:
        return _("as soon as {start}").format(start=start)
    return _("{span} after {start}").format(span=span(awaited.span), start=start)


def _start(since: Since) -> str:
    text = happens(since.event)
    return _("{event}, as reported").format(event=text) if since.time is TimeOf.REPORTED else text


def rule(one: Rule) -> str:
    """Returns when a rule notifies."""
    texts = [wait(Wait(Since(one.fact, one.time), one.wait))]
    if one.not_before is not None:
        texts.append(_("not where that was before {wait}").format(wait=wait(one.not_before)))
    return "; ".join(texts)


def lines(policy: NotificationPolicy) -> Sequence[str]:
    """Returns a policy in words, line by line."""
    found = [policy.key, "", _("The recipient is properly notified")]
    found += [f"  {one.id}: {rule(one)}" for one in policy.rules]
    if policy.steps:
        found += ["", _("Steps, while nobody is notified and nothing is withdrawn")]
        found += [
            f"  {step.id}: {wait(step.wait)}: {_(ACTIONS[step.action])}"
            + (
                _("; unless {events}").format(events=", ".join(map(happens, step.unless)))
                if step.unless
                else ""
            )
            for step in policy.steps
        ]
    found += ["", _("Sources")]
    found += [f"  {source.by} ({source.where}): {_(source.says)}" for source in policy.sources]
    if policy.assumed:
        found += ["", _("Assumed, because no source settles it")]
        found += [f"  {_(text)}" for text in policy.assumed]
    return found


_WHY: Mapping[Why, str] = {
    Why.NO_RULE: N_("{event}; no rule of this policy notifies by that"),
    Why.REQUIRED_MISSING: N_("{event}; no effect, because this did not come before: {events}"),
    Why.BEFORE_RULE: N_("{event}; no effect by {rule}, because it came before {wait}"),
    Why.OVERTAKEN: N_("{event}; something else notified before that did"),
    Why.WITHDRAWN_FIRST: N_("{event}; the message was withdrawn before that notified"),
}


def without_effect(entry: Entry, why: Why, policy: NotificationPolicy) -> str:
    """Returns what a fact tells that did not notify, and why it did not."""
    named = next((rule for rule in policy.rules if rule.id == entry.rule), None)
    opens = named.not_before if named else None
    return _(_WHY[why]).format(
        event=happens(entry.event) if entry.event else "",
        events=", ".join(map(happens, entry.missing)),
        rule=entry.rule,
        wait=wait(opens) if opens else "",
    )


def told(entry: Entry, policy: NotificationPolicy) -> str:
    """Returns what an entry of a timeline of the policy tells."""
    what = happens(entry.event) if entry.event else ""
    if entry.kind is Kind.FACT and entry.why is not None:
        return without_effect(entry, entry.why, policy)
    match entry.kind:
        case Kind.STEP:
            return f"{entry.step}: {_(ACTIONS[entry.action])}" if entry.action else entry.step or ""
        case Kind.EFFECT:
            return _("properly notified by {rule}, because {event}").format(rule=entry.rule, event=what)
        case Kind.WITHDRAWN:
            return _("{event}: nothing notifies any more").format(event=what)
        case Kind.LATE:
            return _("{event}; that changes nothing any more").format(event=what)
    return what

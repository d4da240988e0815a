"""Prints the notification ladder into `docs/ladder.md`, with a picture of each policy beside it."""

from collections.abc import Mapping

from namak.cli import policy_pictures, policy_words
from namak.evidence.calendars import CALENDARS, Calendar
from namak.evidence.notification_policy import POLICIES, NotificationPolicy
from server.domain.delivery_views import VIEWS
from server.domain.ladder import StepState

_PAGE = """# The notification ladder

Printed from `namak/evidence/notification_policy.py`, `namak/evidence/calendars.py`,
`server/domain/delivery_views.py` and `server/domain/ladder.py` by `scripts/generate`; don't edit.

The official mailbox is where the law is satisfied; the ladder is how people come to know, and what the law
makes of it where they don't. A notification policy says both, as data: *rules* from facts to the legal
effect, and *steps* that are taken while nobody is notified. A delivery keeps the version of the policy that
it was accepted under for ever (LADDER-2).

- A rule's effect comes with a fact, or by lapse of time after one. It is recorded once, as
  `NotificationEffected`, with the exact time of the rule: by the server's worker once that time has come and
  never before, and not at all where another effect or a withdrawal came first. It names the fact that its
  wait started from, so that a stranger derives it again, offline (`receipts.md`, check `lapse`).
- More facts never move an effect to a later time and never take it away. Nothing that a recipient does alone
  lets them escape: a refused letter is a fact, and the ladder goes on.
- A step taken is state and no fact: it changes nobody's right. What comes of it, a letter posted or a notice
  published, is a fact (`events.md`).

`namak policy explain POLICY` says what stands here in Armenian, Russian or English, and
`namak policy simulate POLICY --fact EVENT@TIME` prints and draws what would happen when.

## How days are counted

*Whole days* are days of the state's civil time: the day on which a wait starts does not count, and the last
one counts to its end. A start at the very stroke of midnight belongs to the day that ends, so that one wait
after the other loses no day. *Working days* leave out weekends and days off. *Days of 24 hours* are counted
from the instant.

A verifier in twenty years must come to the same instant as the server did. The machine's time zone database
is no ground for that, and neither is a list of holidays from a package: both are corrected backwards, states
move clocks and days off on short notice, and nobody can say which edition a server had. So the derivation
reads neither. It counts by the table below, under the profile that the fact which the wait started from names
(`EvidenceIssuerPolicyID`), and by nothing else. What stands there is never changed; days off of further years
are added before the year begins. Where a state moves its clocks, or days off of a year that stands there, the
profile gets another number and with it another calendar, for waits that begin from then on. A wait that
reaches into days which are not there is not guessed, neither by the server nor by a verifier.

| profile | civil time | from UTC | counted from | days off known for |
|---|---|---|---|---|
{calendars}
## States

| state | reached by | steps are taken, and an effect can come |
|---|---|---|
{states}
## Steps that were taken

| state | means |
|---|---|
| ORDERED | Its action was handed on, in the transaction that took the step. |
| FAILED | Its action can't be carried out, as the reason says (`NOT_CONFIGURED` say). The ladder goes on. |

Public notices are carried out as `public-notices.md` says, where a place for them is set, and letters on
paper as `letters-on-paper.md` says. A nudge goes to each of the holder's verified forwarding targets, as an
e-mail or a short message, and says that an official letter waits and since when, not from whom
(`forwarding.md`). Where there is no such target the step fails (`NO_VERIFIED_TARGET`), and likewise where
nothing can send to any of them (`NO_GATEWAY`) or none was reached (`NOBODY_REACHED`). What becomes of a nudge
is a fact of the holder's; no policy may rest an effect on it, or on what becomes of a forwarded copy
(POST-7).

A step that failed stands in the server's log too, with its reason; later steps wait for what they name,
and for nothing else. `namak-server ladder` shows the operator a delivery's ladder and all failed steps, and
has one carried out again when what carries it out is there: it moves from FAILED to ORDERED once, while
nobody is notified (`alarms.md`).

A step is taken once: the table's key refuses a second time. Every replica looks every five seconds for
deliveries whose time has come, takes a batch that no other has in hand, and does all that is due of each in
one transaction. What it goes by are the facts, the steps taken and the moment at which to look again, all
committed; so it goes on where a killed one ended, a clock that is set back makes nothing happen twice, and
after an outage everything is caught up in its order, effects with their own times. Where two steps became due
during an outage they are taken one right after the other.

## Policies

{policies}"""


def page() -> str:
    """Returns `docs/ladder.md`."""
    assert set(StepState) == {StepState.ORDERED, StepState.FAILED}, "the page names every state of a step"
    calendars = "".join(_calendar(name, calendar) for name, calendar in CALENDARS.items())
    states = "".join(
        f"| {state} | {view.reached_by.name} | {_yes(not view.from_states)} |\n"
        for state, view in VIEWS.items()
    )
    policies = "\n".join(_policy(policy) for policy in POLICIES.values())
    return _PAGE.format(calendars=calendars, states=states, policies=policies)


def pictures() -> Mapping[str, str]:
    """Returns the pictures of the policies by the names of their files."""
    return {
        _file(policy): policy_pictures.svg(
            policy.key, policy_pictures.of_policy(policy), ways=len(policy.rules)
        )
        for policy in POLICIES.values()
    }


def _calendar(name: str, calendar: Calendar) -> str:
    years = ", ".join(map(str, sorted(calendar.years))) or "none"
    hours = calendar.offset.total_seconds() / 3600
    return f"| `{name}` | {calendar.zone} | {hours:+g} h | {calendar.since:%Y-%m-%d} | {years} |\n"


def _policy(policy: NotificationPolicy) -> str:
    rules = "".join(
        f"| {rule.id} | {rule.fact.name} | {', '.join(each.name for each in rule.requires)} "
        f"| {policy_words.rule(rule)} |\n"
        for rule in policy.rules
    )
    text = (
        f"### {policy.key}\n\n![{policy.key}](pictures/{_file(policy)})\n\n"
        f"| rule | upon | after | properly notified |\n|---|---|---|---|\n{rules}\n"
    )
    if policy.steps:
        steps = "".join(
            f"| {step.id} | {policy_words.wait(step.wait)} | {policy_words.ACTIONS[step.action]} |\n"
            for step in policy.steps
        )
        text += f"| step | due | action |\n|---|---|---|\n{steps}\n"
    text += "Sources:\n\n" + "".join(
        f"- {source.by} ({_place(source.where)}): {source.says}\n" for source in policy.sources
    )
    if policy.assumed:
        text += "\n**Assumed**, because no source settles it:\n\n"
        text += "".join(f"- {each}\n" for each in policy.assumed)
    return text


def _place(where: str) -> str:
    return f"<{where}>" if where.startswith("https:") else where


def _file(policy: NotificationPolicy) -> str:
    return f"{policy.name}-{policy.version}.svg"


def _yes(value: bool) -> str:
    return "yes" if value else "no"

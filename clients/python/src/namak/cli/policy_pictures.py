"""Draws notification policies and timelines: one column of moments, top to bottom, as SVG or as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import Final

from namak.cli import policy_words
from namak.cli.texts import _
from namak.evidence.notification_steps import Since
from namak.evidence.policy_rules import NotificationPolicy
from namak.evidence.simulation import Kind

_WIDTH: Final = 760
_LEFT: Final = 212
_LINE: Final = 19
_ROW: Final = 30
_COLUMNS: Final = 66
_COLOURS: Final = {
    Kind.FACT: "#3b6ea5",
    Kind.STEP: "#b06a00",
    Kind.EFFECT: "#1e7d3c",
    Kind.WITHDRAWN: "#9c2b2b",
    Kind.LATE: "#8a8a8a",
}
_MARKS: Final = {
    Kind.FACT: "●",
    Kind.STEP: "▲",
    Kind.EFFECT: "◆",
    Kind.WITHDRAWN: "✕",
    Kind.LATE: "○",
}


@dataclass(frozen=True, slots=True)
class Moment:
    """One row: what stands at the left, a headline, and what is told of it."""

    kind: Kind
    when: str
    head: str
    text: str


def of_policy(policy: NotificationPolicy) -> Sequence[Moment]:
    """Returns what a policy's picture shows: its steps in their order, then what notifies."""
    moments = [
        Moment(
            Kind.STEP,
            policy_words.span(step.wait.span),
            step.id,
            f"{policy_words.wait(step.wait)}: {_(policy_words.ACTIONS[step.action])}",
        )
        for step in policy.steps
    ]
    moments += [
        Moment(
            Kind.EFFECT,
            policy_words.span(rule.wait) if rule.wait.days else _("at once"),
            rule.id,
            _("properly notified: {when}").format(when=policy_words.rule(rule)),
        )
        for rule in policy.rules
    ]
    first = next(
        (step.wait.since.event for step in policy.steps if isinstance(step.wait.since, Since)),
        policy.rules[0].requires[0] if policy.rules[0].requires else policy.rules[0].fact,
    )
    return [Moment(Kind.FACT, "", first.name, policy_words.happens(first)), *moments]


def svg(title: str, moments: Sequence[Moment], *, ways: int = 0) -> str:
    """Returns the picture as an SVG document. Colours and shapes tell the same, for who sees no colours. The
    last so many of the moments are ways beside each other, which no line joins.
    """
    rows, top = [], 64
    places = []
    for moment in moments:
        texts = wrap(moment.text, _COLUMNS) or [""]
        places.append(top)
        rows.append(_row(moment, texts, top))
        top += _ROW + _LINE * len(texts) + 10
    line = 'stroke="#b8b8b8" stroke-width="2"'
    rail = f'<path d="M{_LEFT} {places[0]}V{places[-1 - ways]}" {line}/>' if len(places) > ways else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top}" width="{_WIDTH}" '
        f'height="{top}" role="img" font-family="DejaVu Sans, Noto Sans, sans-serif" font-size="14">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="{_WIDTH}" height="{top}" fill="#ffffff"/>\n'
        f'<text x="24" y="34" font-size="18" font-weight="bold" fill="#222222">{escape(title)}</text>\n'
        f"{rail}\n" + "\n".join(rows) + "\n</svg>\n"
    )


def _row(moment: Moment, texts: Sequence[str], top: int) -> str:
    colour = _COLOURS[moment.kind]
    told = "".join(
        f'<text x="{_LEFT + 24}" y="{top + 5 + _LINE * number}" fill="#444444">{escape(text)}</text>'
        for number, text in enumerate(texts, 1)
    )
    when, head = escape(moment.when), escape(moment.head)
    beside = _LEFT + 24
    return (
        f'<text x="{_LEFT - 24}" y="{top + 5}" text-anchor="end" fill="#444444">{when}</text>'
        f"{_shape(moment.kind, top, colour)}"
        f'<text x="{beside}" y="{top + 5}" font-weight="bold" fill="{colour}">{head}</text>'
        f"{told}"
    )


def _shape(kind: Kind, y: int, colour: str) -> str:
    x, paint = _LEFT, f'fill="{colour}" stroke="#ffffff" stroke-width="2"'
    match kind:
        case Kind.STEP:
            return f'<path d="M{x} {y - 10}L{x + 10} {y + 8}H{x - 10}Z" {paint}/>'
        case Kind.EFFECT:
            return f'<path d="M{x} {y - 11}L{x + 11} {y}L{x} {y + 11}L{x - 11} {y}Z" {paint}/>'
        case Kind.WITHDRAWN:
            return f'<rect x="{x - 8}" y="{y - 8}" width="16" height="16" {paint}/>'
    return f'<circle cx="{x}" cy="{y}" r="9" {paint}/>'


def drawn(moments: Sequence[Moment]) -> Sequence[str]:
    """Returns the picture for a terminal, line by line."""
    wide = max((len(moment.when) for moment in moments), default=0)
    found = []
    for number, moment in enumerate(moments):
        mark = _MARKS[moment.kind]
        found.append(f"{moment.when:>{wide}}  {mark}  {moment.head}")
        rail = "│" if number + 1 < len(moments) else " "
        found += [f"{'':>{wide}}  {rail}  {text}" for text in wrap(moment.text, _COLUMNS)]
    return found

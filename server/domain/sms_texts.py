"""What short messages to holders' own phones say, in the languages of the jurisdictions.

They are paid for by the segment: no text takes more than two, whatever stands in it. Of a letter they say
from whom and since when it is there, and nothing else: anybody may look at a phone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from server.domain.sms import segment_count

MOST_SEGMENTS: Final = 2


@dataclass(frozen=True, slots=True)
class SmsTexts:
    """The texts of one language; values stand in braces.

    Attributes:
        code: what carries a code: `code`, `minutes`, `mailbox`.
        notice: what says that there is a letter: `sender`, `time`.
        where: where to read it: `link`.
    """

    code: str
    notice: str
    where: str


TEXTS: Final[Mapping[str, SmsTexts]] = MappingProxyType(
    {
        "en": SmsTexts(
            code="{code} is your code for notices of letters to {mailbox}, for {minutes} minutes. Not you? "
            "Do nothing.",
            notice="New official letter from {sender}, {time}.",
            where=" Read it: {link}",
        ),
        "hy": SmsTexts(
            code="{code}՝ {mailbox} փոստարկղի ծանուցումների կոդը, {minutes} րոպե։ Եթե դուք չեք խնդրել, "
            "ոչինչ մի արեք։",
            notice="Նոր պաշտոնական նամակ՝ {sender}, {time}։",
            where=" Կարդալ՝ {link}",
        ),
        "ru": SmsTexts(
            code="{code} — код для уведомлений ящика {mailbox}, на {minutes} минут. Если просили не вы, "
            "ничего не делайте.",
            notice="Новое официальное письмо: {sender}, {time}.",
            where=" Прочитать: {link}",
        ),
        "kk": SmsTexts(
            code="{code} — {mailbox} жәшігінің хабарламаларына код, {minutes} минутқа. Сұраған сіз "
            "болмасаңыз, ештеңе істемеңіз.",
            notice="Жаңа ресми хат: {sender}, {time}.",
            where=" Оқу: {link}",
        ),
        "az": SmsTexts(
            code="{code} — {mailbox} qutusunun bildirişləri üçün kod, {minutes} dəqiqəlik. Siz "
            "istəməmisinizsə, heç nə etməyin.",
            notice="Yeni rəsmi məktub: {sender}, {time}.",
            where=" Oxumaq: {link}",
        ),
    }
)


def code_text(language: str, *, code: str, minutes: int, mailbox: str) -> str:
    """Returns what carries a code."""
    return TEXTS[language].code.format(code=code, minutes=minutes, mailbox=mailbox)


def notice_text(language: str, *, sender: str, time: str, link: str) -> str:
    """Returns what says that there is a letter; the sender's name is cut where it would take a third segment.

    `link` may be empty.
    """
    texts = TEXTS[language]
    where = texts.where.format(link=link) if link else ""
    named = " ".join(sender.split())
    for length in range(len(named), 0, -1):
        cut = named if length == len(named) else f"{named[:length].rstrip()}…"
        said = texts.notice.format(sender=cut, time=time) + where
        if segment_count(said) <= MOST_SEGMENTS:
            return said
    raise ValueError("a link that leaves no room for anything else")

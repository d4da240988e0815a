"""What nudges say, in the languages of the jurisdictions: that an official letter waits, since when, and how
to read it.

Not from whom: a nudge is sent because a policy says so, and a court's or a bailiff's name on the screen of a
phone tells enough to harm. No short message takes more than two segments, whatever stands in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from server.domain.sms import segment_count
from server.domain.sms_texts import MOST_SEGMENTS


@dataclass(frozen=True, slots=True)
class NudgeTexts:
    """The texts of one language; values stand in braces.

    Attributes:
        subject, mail: of a mail: `time`, `mailbox`.
        text: of a short message: `time`.
        how: how to read the letter.
        no_answer: that nobody reads answers, and that a nudge has no effect in law.
    """

    subject: str
    mail: str
    text: str
    how: str
    no_answer: str


TEXTS: Final[Mapping[str, NudgeTexts]] = MappingProxyType(
    {
        "en": NudgeTexts(
            subject="An official letter waits to be read",
            mail="An official letter has been in your official mailbox {mailbox} since {time} and waits to "
            "be read.",
            text="An official letter has been in your mailbox since {time} and waits to be read.",
            how="To read it, sign in to your official mailbox.",
            no_answer="This mail was written by a machine; nobody reads answers. It has no effect in law: "
            "only what lies in the official mailbox counts.",
        ),
        "hy": NudgeTexts(
            subject="Պաշտոնական նամակը սպասում է ընթերցման",
            mail="Պաշտոնական նամակը {time}-ից գտնվում է ձեր {mailbox} պաշտոնական փոստարկղում և սպասում է "
            "ընթերցման։",
            text="{time}-ից ձեր փոստարկղում պաշտոնական նամակ է սպասում։",
            how="Կարդալու համար մուտք գործեք պաշտոնական փոստարկղ։",
            no_answer="Այս հաղորդագրությունը կազմել է համակարգը, պատասխանները ոչ ոք չի կարդում։ Այն "
            "իրավական հետևանք չունի. հաշվի է առնվում միայն պաշտոնական փոստարկղում եղածը։",
        ),
        "ru": NudgeTexts(
            subject="Официальное письмо ждёт прочтения",
            mail="Официальное письмо находится в вашем официальном ящике {mailbox} с {time} и ждёт "
            "прочтения.",
            text="В вашем ящике с {time} ждёт официальное письмо.",
            how="Чтобы прочитать, войдите в официальный ящик.",
            no_answer="Это сообщение составлено автоматически, ответов никто не читает. Правовых "
            "последствий оно не имеет: значение имеет только то, что лежит в официальном ящике.",
        ),
        "kk": NudgeTexts(
            subject="Ресми хат оқылуын күтіп тұр",
            mail="Ресми хат {time} бастап сіздің {mailbox} ресми жәшігіңізде тұр және оқылуын күтуде.",
            text="Жәшігіңізде {time} бастап ресми хат күтіп тұр.",
            how="Оқу үшін ресми жәшікке кіріңіз.",
            no_answer="Бұл хабарламаны жүйе жазған, жауаптарды ешкім оқымайды. Оның құқықтық салдары жоқ: "
            "тек ресми жәшіктегі хат есепке алынады.",
        ),
        "az": NudgeTexts(
            subject="Rəsmi məktub oxunmağı gözləyir",
            mail="Rəsmi məktub {time} tarixindən {mailbox} rəsmi qutunuzdadır və oxunmağı gözləyir.",
            text="Qutunuzda {time} tarixindən rəsmi məktub gözləyir.",
            how="Oxumaq üçün rəsmi qutuya daxil olun.",
            no_answer="Bu mesajı sistem yazıb, cavabları heç kim oxumur. Onun hüquqi qüvvəsi yoxdur: yalnız "
            "rəsmi qutudakı məktub nəzərə alınır.",
        ),
    }
)


def nudge_text(language: str, *, time: str, link: str) -> str:
    """Returns the short message. A `link`, which may be empty, goes before words that say how to read the
    letter where there is no room for both, and is left out where there is none for it.
    """
    texts = TEXTS[language]
    said = texts.text.format(time=time)
    told = f"{said} {texts.how}"
    with_link = (f"{told} {link}", f"{said} {link}") if link else ()
    return next((each for each in with_link if segment_count(each) <= MOST_SEGMENTS), told)


def nudge_mail(language: str, *, time: str, mailbox: str, link: str) -> tuple[str, list[str]]:
    """Returns a mail's subject and paragraphs; `link` may be empty."""
    texts = TEXTS[language]
    how = f"{texts.how} {link}" if link else texts.how
    return texts.subject, [texts.mail.format(time=time, mailbox=mailbox), how, texts.no_answer]

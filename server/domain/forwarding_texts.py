"""What mails to holders' own addresses say, in the languages of the jurisdictions.

Whoever reads them is at home: they say who wrote and when, and where to read it; what a letter says, only
where the holder wants the whole of it forwarded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class MailTexts:
    """The texts of one language; values stand in braces.

    Attributes:
        code_subject, code: the mail that carries a code: `code`, `minutes`, `mailbox`.
        notice_subject, notice: the mail that says there is a message: `sender`, `time`, `mailbox`.
        whole_subject, whole: the mail that carries a message: likewise.
        too_large: why a mail that should carry a message does not.
        where: where to read it: `link`.
        no_answer: that nobody reads answers, and that a copy has no effect in law.
    """

    code_subject: str
    code: str
    notice_subject: str
    notice: str
    whole_subject: str
    whole: str
    too_large: str
    where: str
    no_answer: str


TEXTS: Final[Mapping[str, MailTexts]] = MappingProxyType(
    {
        "en": MailTexts(
            code_subject="Your code for forwarding official letters",
            code="Somebody asked for letters of the official mailbox {mailbox} to be forwarded to this "
            "address. "
            "If it was you, enter this code within {minutes} minutes:\n\n{code}\n\n"
            "If it was not you, do nothing: without the code nothing is forwarded here.",
            notice_subject="A new official letter",
            notice="A letter from {sender} has been in your official mailbox {mailbox} since {time}.",
            whole_subject="Copy of an official letter",
            whole="This is a copy of a letter from {sender}, which has been in your official mailbox "
            "{mailbox} since {time}.",
            too_large="The letter is too large for a mail, so only this notice was sent.",
            where="Read it here: {link}",
            no_answer="This mail was written by a machine; nobody reads answers. Only what lies in the "
            "official mailbox counts, not this copy.",
        ),
        "hy": MailTexts(
            code_subject="Պաշտոնական նամակների վերահասցեավորման ձեր կոդը",
            code="Ինչ-որ մեկը խնդրել է {mailbox} պաշտոնական փոստարկղի նամակները վերահասցեավորել այս հասցեին։ "
            "Եթե դա դուք եք, {minutes} րոպեի ընթացքում մուտքագրեք այս կոդը՝\n\n{code}\n\n"
            "Եթե դա դուք չեք, ոչինչ մի արեք. առանց կոդի այստեղ ոչինչ չի ուղարկվի։",
            notice_subject="Նոր պաշտոնական նամակ",
            notice="{sender}-ի նամակը {time}-ից գտնվում է ձեր {mailbox} պաշտոնական փոստարկղում։",
            whole_subject="Պաշտոնական նամակի պատճեն",
            whole="Սա {sender}-ի նամակի պատճենն է, որը {time}-ից գտնվում է ձեր {mailbox} պաշտոնական "
            "փոստարկղում։",
            too_large="Նամակը չափազանց մեծ է էլեկտրոնային փոստի համար, ուստի ուղարկվել է միայն այս "
            "ծանուցումը։",
            where="Կարդացեք այն այստեղ՝ {link}",
            no_answer="Այս հաղորդագրությունը կազմել է համակարգը, պատասխանները ոչ ոք չի կարդում։ Հաշվի է "
            "առնվում միայն պաշտոնական փոստարկղում եղածը, ոչ թե այս պատճենը։",
        ),
        "ru": MailTexts(
            code_subject="Ваш код для пересылки официальных писем",
            code="Кто-то попросил пересылать на этот адрес письма официального ящика {mailbox}. "
            "Если это были вы, введите этот код в течение {minutes} минут:\n\n{code}\n\n"
            "Если это были не вы, ничего не делайте: без кода сюда ничего пересылаться не будет.",
            notice_subject="Новое официальное письмо",
            notice="Письмо от {sender} находится в вашем официальном ящике {mailbox} с {time}.",
            whole_subject="Копия официального письма",
            whole="Это копия письма от {sender}, которое находится в вашем официальном ящике {mailbox} с "
            "{time}.",
            too_large="Письмо слишком велико для электронной почты, поэтому отправлено только это "
            "уведомление.",
            where="Прочитать его можно здесь: {link}",
            no_answer="Это сообщение составлено автоматически, ответов никто не читает. Значение имеет "
            "только то, что лежит в официальном ящике, а не эта копия.",
        ),
        "kk": MailTexts(
            code_subject="Ресми хаттарды қайта жіберуге арналған кодыңыз",
            code="Біреу {mailbox} ресми жәшігінің хаттарын осы мекенжайға қайта жіберуді сұрады. "
            "Егер бұл сіз болсаңыз, осы кодты {minutes} минут ішінде енгізіңіз:\n\n{code}\n\n"
            "Егер бұл сіз болмасаңыз, ештеңе істемеңіз: кодсыз мұнда ештеңе жіберілмейді.",
            notice_subject="Жаңа ресми хат",
            notice="{sender} жіберген хат {time} бастап сіздің {mailbox} ресми жәшігіңізде тұр.",
            whole_subject="Ресми хаттың көшірмесі",
            whole="Бұл — {sender} жіберген хаттың көшірмесі; ол {time} бастап сіздің {mailbox} ресми "
            "жәшігіңізде тұр.",
            too_large="Хат электрондық пошта үшін тым үлкен, сондықтан тек осы хабарлама жіберілді.",
            where="Оны мына жерден оқыңыз: {link}",
            no_answer="Бұл хабарламаны жүйе жазған, жауаптарды ешкім оқымайды. Осы көшірме емес, тек ресми"
            " жәшіктегі хат есепке алынады.",
        ),
        "az": MailTexts(
            code_subject="Rəsmi məktubların yönləndirilməsi üçün kodunuz",
            code="Kimsə {mailbox} rəsmi qutusunun məktublarının bu ünvana yönləndirilməsini xahiş edib. "
            "Bu siz idinizsə, bu kodu {minutes} dəqiqə ərzində daxil edin:\n\n{code}\n\n"
            "Bu siz deyildinizsə, heç nə etməyin: kodsuz bura heç nə göndərilmir.",
            notice_subject="Yeni rəsmi məktub",
            notice="{sender} tərəfindən göndərilən məktub {time} tarixindən {mailbox} rəsmi qutunuzdadır.",
            whole_subject="Rəsmi məktubun surəti",
            whole="Bu, {sender} tərəfindən göndərilən və {time} tarixindən {mailbox} rəsmi qutunuzda olan "
            "məktubun surətidir.",
            too_large="Məktub elektron poçt üçün çox böyükdür, ona görə yalnız bu bildiriş göndərildi.",
            where="Onu burada oxuyun: {link}",
            no_answer="Bu mesajı sistem yazıb, cavabları heç kim oxumur. Bu surət deyil, yalnız rəsmi "
            "qutudakı məktub nəzərə alınır.",
        ),
    }
)

"""Invented letters, for whoever tries the printing: operators, print houses, measurements, tests."""

import hashlib
from datetime import UTC, datetime
from uuid import UUID

from server.domain.deliveries import Part, PartInfo
from server.domain.paper_letters import PaperLetter, PostalAddress, s10_number

LANGUAGES = ("hy", "ru", "kk", "az", "en")

_TEXTS = {
    "hy": (
        "ՀՀ պետական եկամուտների կոմիտե",
        ("Մ. Խորենացու 3, 7", "0015 Երևան"),
        "Աննա Հակոբյան",
        ("Աբովյան փ. 12, բն. 5", "0001 Երևան", "ՀԱՅԱՍՏԱՆ"),
        "Հարկային ծանուցում N 2026/0117",
        (
            "Հարգելի՛ հարկ վճարող։\n\nՁեր գույքահարկի պարտավորությունը 2026 թվականի համար կազմում է 50 000 "
            "֏։ Խնդրում ենք վճարել մինչև 2026 թ. դեկտեմբերի 1-ը։\n\nՊաշտոնատար անձ՝ Ա. Սարգսյան"
        ),
        ("am-2025", "3309870123@post.am", "Asia/Yerevan", "AM"),
    ),
    "ru": (
        "Комитет государственных доходов РА",
        ("ул. М. Хоренаци, 3, 7", "0015 Ереван"),
        "Анна Акопян",
        ("ул. Абовяна, 12, кв. 5", "0001 Ереван", "АРМЕНИЯ"),
        "Налоговое уведомление № 2026/0117",
        (
            "Уважаемый налогоплательщик!\n\nВаше обязательство по налогу на имущество за 2026 год составляет "
            "50 000 ֏. Просим уплатить его до 1 декабря 2026 г.\n\nДолжностное лицо: А. Саргсян"
        ),
        ("am-2025", "3309870123@post.am", "Asia/Yerevan", "AM"),
    ),
    "kk": (
        "ҚР Қаржы министрлігінің Мемлекеттік кірістер комитеті",
        ("Жеңіс даңғылы, 11", "010000 Астана"),
        "Әсел Нұрланқызы Жүнісова",
        ("Қабанбай батыр даңғылы, 53, 17-пәтер", "010000 Астана", "ҚАЗАҚСТАН"),
        "Салық хабарламасы № 2026/0117",
        (
            "Құрметті салық төлеуші!\n\n2026 жылға арналған мүлік салығы бойынша міндеттемеңіз 50 000 ₸ "
            "құрайды. Оны 2026 жылғы 1 желтоқсанға дейін төлеуіңізді сұраймыз.\n\nЛауазымды адам: А. Өтегенов"
        ),
        ("am-2015", "991240000003@post.kz", "Asia/Almaty", "KZ"),
    ),
    "az": (
        "İqtisadiyyat Nazirliyi yanında Dövlət Vergi Xidməti",
        ("Landau küç. 16", "AZ1073 Bakı"),
        "Gülşən Əliyeva Çingiz qızı",
        ("Nizami küç. 25, mənzil 8", "AZ1000 Bakı", "AZƏRBAYCAN"),
        "Vergi bildirişi № 2026/0117",
        (
            "Hörmətli vergi ödəyicisi!\n\n2026-cı il üçün əmlak vergisi öhdəliyiniz 500 ₼ təşkil edir. Onu "
            "1 dekabr 2026-cı il tarixinədək ödəməyinizi xahiş edirik.\n\nVəzifəli şəxs: Ə. Quliyev"
        ),
        ("am-2015", "5ABCDEF@post.az", "Asia/Baku", "AZ"),
    ),
    "en": (
        "State Revenue Committee",
        ("3, 7 M. Khorenatsi Street", "0015 Yerevan"),
        "Anna Hakobyan",
        ("12 Abovyan Street, apt. 5", "0001 Yerevan", "ARMENIA"),
        "Tax notice No. 2026/0117",
        (
            "Dear taxpayer,\n\nYour property tax for 2026 is ֏50,000. Please pay it before 1 December 2026."
            "\n\nOfficial: A. Sargsyan"
        ),
        ("am-2025", "3309870123@post.am", "Asia/Yerevan", "AM"),
    ),
}


def sample(
    language: str, *others: str, parts: tuple[Part, ...] | None = None, serial: int = 117
) -> PaperLetter:
    """Returns an invented letter in a language of `LANGUAGES`, with other languages on its covering page.

    Args:
        parts: of the message, instead of the invented text.
        serial: by which this letter differs from others.
    """
    sender, sender_lines, name, lines, subject, text, (policy, mailbox, zone, country) = _TEXTS[language]
    return PaperLetter(
        delivery_id=UUID(int=(0x0192F0C3 << 96) | (0x7000 << 64) | (0x8000 << 48) | serial),
        tracking=s10_number("RR", serial, country),
        languages=(language, *others),
        sender=PostalAddress(sender, sender_lines),
        recipient=PostalAddress(name, lines),
        mailbox=mailbox,
        subject=subject,
        accepted_at=datetime(2026, 11, 2, 6, 30, tzinfo=UTC),
        time_zone=zone,
        policy=policy,
        portal="",
        parts=(text_part("notice.txt", text),) if parts is None else parts,
    )


def text_part(name: str, text: str) -> Part:
    """Returns a text part."""
    return part(name, "text/plain", text.encode())


def part(name: str, media_type: str, content: bytes) -> Part:
    """Returns a part, with the digest of its content."""
    info = PartInfo(name, media_type, len(content), hashlib.sha256(content).digest())
    return Part(info, content)

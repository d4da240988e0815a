"""What mails that carry receipts say, in the languages of the jurisdictions.

They name what was proved, about which delivery, when, and how to check it; of the letter's own words they say
nothing, its subject included.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from namak.evidence import events


@dataclass(frozen=True, slots=True)
class ReceiptTexts:
    """The texts of one language; values stand in braces.

    Attributes:
        subjects: by the name of the event that the receipt is about, the last one of those it carries:
            `recipient`.
        said: likewise, what happened: `recipient`, `sender`, `time`.
        delivery: which delivery: `delivery`.
        checks: what was found out about the sender's mail: `dkim`, `spf`.
        attached: what the attachments are.
        no_answer: that nobody reads answers.
    """

    subjects: Mapping[str, str]
    said: Mapping[str, str]
    delivery: str
    checks: str
    attached: str
    no_answer: str


_CONSIGNED = events.CONTENT_CONSIGNMENT.name
_CONFIRMED = events.READING_CONFIRMED.name
_NOTIFIED = events.NOTIFICATION_EFFECTED.name

TEXTS: Final[Mapping[str, ReceiptTexts]] = MappingProxyType(
    {
        "hy": ReceiptTexts(
            subjects={
                _CONSIGNED: "Ստացական. ընդունված է և դրված {recipient} փոստարկղը",
                _CONFIRMED: "Ստացական. {recipient} հասցեատերը հաստատել է ընթերցումը",
                _NOTIFIED: "Ստացական. {recipient} հասցեատերը պատշաճ ծանուցված է",
            },
            said={
                _CONSIGNED: "{sender} հասցեից ուղարկված ձեր հաղորդագրությունն ընդունվել է և դրվել "
                "{recipient} պաշտոնական փոստարկղը՝ {time}։",
                _CONFIRMED: "{recipient} պաշտոնական փոստարկղի տերը ստորագրությամբ հաստատել է, որ կարդացել է "
                "{sender} հասցեից ուղարկված ձեր հաղորդագրությունը՝ {time}։",
                _NOTIFIED: "{recipient} պաշտոնական փոստարկղի տերը պատշաճ ծանուցված է {sender} հասցեից "
                "ուղարկված ձեր հաղորդագրության մասին՝ {time}։",
            },
            delivery="Առաքման համարը՝ {delivery}",
            checks="Ձեր նամակի ստուգումները՝ DKIM՝ {dkim}, SPF՝ {spf}։ Դրանցից ոչինչ չի բխում։",
            attached="Կցված .tlog-proof ֆայլերն ապացույցներն են. յուրաքանչյուրը կարող է դրանք ստուգել առանց "
            "փոստի մասնակցության (namak verify)։ .json ֆայլերում նույն վկայություններն են՝ ընթեռնելի տեսքով։",
            no_answer="Այս հաղորդագրությունը կազմել է համակարգը, պատասխանները ոչ ոք չի կարդում։",
        ),
        "ru": ReceiptTexts(
            subjects={
                _CONSIGNED: "Квитанция: принято и положено в ящик {recipient}",
                _CONFIRMED: "Квитанция: прочтение подтверждено, {recipient}",
                _NOTIFIED: "Квитанция: адресат надлежаще уведомлён, {recipient}",
            },
            said={
                _CONSIGNED: "Ваше сообщение от {sender} принято и положено в официальный ящик {recipient}: "
                "{time}.",
                _CONFIRMED: "Владелец официального ящика {recipient} подтвердил подписью, что прочитал ваше "
                "сообщение от {sender}: {time}.",
                _NOTIFIED: "Владелец официального ящика {recipient} надлежаще уведомлён о вашем сообщении от "
                "{sender}: {time}.",
            },
            delivery="Номер доставки: {delivery}",
            checks="Проверки вашего письма: DKIM — {dkim}, SPF — {spf}. От них ничего не зависит.",
            attached="Приложенные файлы .tlog-proof — доказательства: каждый может проверить их без участия "
            "почты (namak verify). В файлах .json — те же свидетельства в читаемом виде.",
            no_answer="Это сообщение составлено автоматически, ответы никто не читает.",
        ),
        "kk": ReceiptTexts(
            subjects={
                _CONSIGNED: "Түбіртек: қабылданып, {recipient} жәшігіне салынды",
                _CONFIRMED: "Түбіртек: оқылғаны расталды, {recipient}",
                _NOTIFIED: "Түбіртек: тиісті түрде хабардар етілді, {recipient}",
            },
            said={
                _CONSIGNED: "{sender} мекенжайынан жіберілген хабарламаңыз қабылданып, {recipient} ресми "
                "жәшігіне салынды: {time}.",
                _CONFIRMED: "{recipient} ресми жәшігінің иесі {sender} мекенжайынан жіберілген "
                "хабарламаңызды оқығанын қолтаңбасымен растады: {time}.",
                _NOTIFIED: "{recipient} ресми жәшігінің иесі {sender} мекенжайынан жіберілген хабарламаңыз "
                "туралы тиісті түрде хабардар етілді: {time}.",
            },
            delivery="Жеткізу нөмірі: {delivery}",
            checks="Хатыңыздың тексерулері: DKIM — {dkim}, SPF — {spf}. Оларға ештеңе тәуелді емес.",
            attached="Қоса берілген .tlog-proof файлдары — дәлелдемелер: оларды кез келген адам поштаның "
            "қатысуынсыз тексере алады (namak verify). .json файлдарында сол куәліктер оқуға ыңғайлы түрде "
            "берілген.",
            no_answer="Бұл хабарлама автоматты түрде жасалған, жауаптарды ешкім оқымайды.",
        ),
        "az": ReceiptTexts(
            subjects={
                _CONSIGNED: "Qəbz: qəbul edildi və {recipient} qutusuna qoyuldu",
                _CONFIRMED: "Qəbz: oxunma təsdiqləndi, {recipient}",
                _NOTIFIED: "Qəbz: lazımi qaydada xəbərdar edildi, {recipient}",
            },
            said={
                _CONSIGNED: "{sender} ünvanından göndərdiyiniz mesaj qəbul edildi və {recipient} rəsmi poçt "
                "qutusuna qoyuldu: {time}.",
                _CONFIRMED: "{recipient} rəsmi poçt qutusunun sahibi {sender} ünvanından göndərdiyiniz "
                "mesajı oxuduğunu imza ilə təsdiqlədi: {time}.",
                _NOTIFIED: "{recipient} rəsmi poçt qutusunun sahibi {sender} ünvanından göndərdiyiniz mesaj "
                "barədə lazımi qaydada xəbərdar edildi: {time}.",
            },
            delivery="Çatdırılmanın nömrəsi: {delivery}",
            checks="Məktubunuzun yoxlamaları: DKIM — {dkim}, SPF — {spf}. Onlardan heç nə asılı deyil.",
            attached="Əlavə edilmiş .tlog-proof faylları sübutdur: onları hər kəs poçtun iştirakı olmadan "
            "yoxlaya bilər (namak verify). .json fayllarında eyni şəhadətlər oxunaqlı şəkildədir.",
            no_answer="Bu mesaj avtomatik yaradılıb, cavabları heç kim oxumur.",
        ),
        "en": ReceiptTexts(
            subjects={
                _CONSIGNED: "Receipt: accepted, and laid into the mailbox {recipient}",
                _CONFIRMED: "Receipt: reading confirmed, {recipient}",
                _NOTIFIED: "Receipt: properly notified, {recipient}",
            },
            said={
                _CONSIGNED: "Your message from {sender} was accepted, and laid into the official mailbox "
                "{recipient}: {time}.",
                _CONFIRMED: "The holder of the official mailbox {recipient} confirmed by signature to have "
                "read your message from {sender}: {time}.",
                _NOTIFIED: "The holder of the official mailbox {recipient} is properly notified of your "
                "message from {sender}: {time}.",
            },
            delivery="Delivery: {delivery}",
            checks="What was found of your mail: DKIM {dkim}, SPF {spf}. Nothing hangs on it.",
            attached="The .tlog-proof files attached are the proofs: anybody can check them without the post "
            "(namak verify). The .json files hold the same evidence to read.",
            no_answer="This mail was written by a machine; nobody reads answers.",
        ),
    }
)

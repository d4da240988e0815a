"""What the covering page of a paper letter says, in every language of the profiles (BOX-11, POST-11).

It says what was sent, by whom, and where it can be read; it says nothing of what follows in law, which the
policy that it names decides.
"""

from collections.abc import Mapping
from types import MappingProxyType

TEXTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "hy": {
            "title": "Պաշտոնական հաղորդագրություն՝ թղթային տարբերակով",
            "why": "Այս էջում նշված ուղարկողը Ձեր պաշտոնական էլեկտրոնային փոստարկղին հաղորդագրություն է "
            "ուղարկել։ Այս նամակը դրա թղթային տարբերակն է․ հաղորդագրության բովանդակությունը՝ հաջորդ էջերում։",
            "sender": "Ուղարկող",
            "subject": "Թեմա",
            "mailbox": "Փոստարկղ",
            "accepted": "Ընդունվել է",
            "delivery": "Առաքման համար",
            "policy": "Ծանուցման կարգ",
            "parts": "Բաղկացուցիչ մասեր",
            "part": "Մաս",
            "pages": "էջ",
            "read": "Ինչպես կարդալ էլեկտրոնային եղանակով",
            "how": "Մուտք գործեք Ձեր պաշտոնական փոստարկղ նույնականացման քարտով կամ հեռախոսով և բացեք "
            "հաղորդագրությունը՝ ըստ վերը նշված առաքման համարի։",
            "original": "Բնօրինակը էլեկտրոնային հաղորդագրությունն է։ Վերը նշված SHA-256 արժեքներով կարող եք "
            "ստուգել, որ էլեկտրոնային մասերը նույնն են։",
            "sheet": "Թերթ",
        },
        "ru": {
            "title": "Официальное сообщение на бумаге",
            "why": "Указанный на этой странице отправитель направил сообщение в ваш официальный "
            "электронный почтовый ящик. Это письмо — его бумажный вид; содержание сообщения находится на "
            "следующих страницах.",
            "sender": "Отправитель",
            "subject": "Тема",
            "mailbox": "Почтовый ящик",
            "accepted": "Принято",
            "delivery": "Номер доставки",
            "policy": "Порядок уведомления",
            "parts": "Части сообщения",
            "part": "Часть",
            "pages": "стр.",
            "read": "Как прочитать в электронном виде",
            "how": "Войдите в свой официальный почтовый ящик с помощью удостоверения личности или телефона "
            "и откройте сообщение по указанному выше номеру доставки.",
            "original": "Подлинником является электронное сообщение. По указанным выше значениям SHA-256 "
            "можно проверить, что электронные части те же.",
            "sheet": "Лист",
        },
        "en": {
            "title": "Official message on paper",
            "why": "The sender named on this page sent a message to your official electronic mailbox. This "
            "letter is that message on paper; its content is on the pages that follow.",
            "sender": "Sender",
            "subject": "Subject",
            "mailbox": "Mailbox",
            "accepted": "Accepted",
            "delivery": "Delivery number",
            "policy": "Notification rules",
            "parts": "Parts of the message",
            "part": "Part",
            "pages": "pages",
            "read": "How to read it electronically",
            "how": "Sign in to your official mailbox with your identity card or phone, and open the message "
            "with the delivery number above.",
            "original": "The electronic message is the original. With the SHA-256 values above you can "
            "check that the electronic parts are the same.",
            "sheet": "Sheet",
        },
        "kk": {
            "title": "Қағаз түріндегі ресми хабарлама",
            "why": "Осы бетте көрсетілген жіберуші сіздің ресми электрондық пошта жәшігіңізге хабарлама "
            "жіберді. Бұл хат — оның қағаз түрі; хабарламаның мазмұны келесі беттерде.",
            "sender": "Жіберуші",
            "subject": "Тақырып",
            "mailbox": "Пошта жәшігі",
            "accepted": "Қабылданды",
            "delivery": "Жеткізу нөмірі",
            "policy": "Хабардар ету тәртібі",
            "parts": "Хабарламаның бөліктері",
            "part": "Бөлік",
            "pages": "бет",
            "read": "Электрондық түрде қалай оқуға болады",
            "how": "Ресми пошта жәшігіңізге жеке куәлікпен немесе телефонмен кіріп, жоғарыда көрсетілген "
            "жеткізу нөмірі бойынша хабарламаны ашыңыз.",
            "original": "Түпнұсқа — электрондық хабарлама. Жоғарыдағы SHA-256 мәндері бойынша электрондық "
            "бөліктердің дәл сол екенін тексеруге болады.",
            "sheet": "Парақ",
        },
        "az": {
            "title": "Kağız üzərində rəsmi məktub",
            "why": "Bu səhifədə göstərilən göndərən rəsmi elektron poçt qutunuza məktub göndərib. Bu, həmin "
            "məktubun kağız üzərində formasıdır; məzmunu növbəti səhifələrdədir.",
            "sender": "Göndərən",
            "subject": "Mövzu",
            "mailbox": "Poçt qutusu",
            "accepted": "Qəbul edilib",
            "delivery": "Çatdırılma nömrəsi",
            "policy": "Bildiriş qaydası",
            "parts": "Məktubun hissələri",
            "part": "Hissə",
            "pages": "səhifə",
            "read": "Elektron şəkildə necə oxumaq olar",
            "how": "Rəsmi poçt qutunuza şəxsiyyət vəsiqəsi və ya telefonla daxil olun və məktubu yuxarıdakı "
            "çatdırılma nömrəsinə görə açın.",
            "original": "Əsli elektron məktubdur. Yuxarıdakı SHA-256 qiymətləri ilə elektron hissələrin "
            "eyni olduğunu yoxlaya bilərsiniz.",
            "sheet": "Vərəq",
        },
    }
)
"""By language and by place on the page. Every language has the same places."""

ANSWERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "hy": {
            "title": "Պատասխան Ձեր թղթային նամակին",
            "why": "Ձեր թղթային նամակը հանձնվել է այս էջում նշված ուղարկողին էլեկտրոնային եղանակով, և նա "
            "պատասխանել է նույն կերպ։ Այս նամակը պատասխանի թղթային տարբերակն է․ բովանդակությունը՝ հաջորդ "
            "էջերում։",
            "original": "Բնօրինակը էլեկտրոնային հաղորդագրությունն է, որի մասերն ունեն վերը նշված SHA-256 "
            "արժեքները։",
        },
        "ru": {
            "title": "Ответ на ваше письмо на бумаге",
            "why": "Ваше письмо на бумаге было доставлено указанному на этой странице отправителю в "
            "электронном виде, и он ответил тем же способом. Это письмо — бумажный вид ответа; содержание "
            "находится на следующих страницах.",
            "original": "Подлинником является электронное сообщение, части которого имеют указанные выше "
            "значения SHA-256.",
        },
        "en": {
            "title": "Answer to your letter on paper",
            "why": "Your letter on paper was delivered electronically to the sender named on this page, "
            "who answered in the same way. This letter is the answer on paper; its content is on the pages "
            "that follow.",
            "original": "The original is the electronic message, whose parts have the SHA-256 values above.",
        },
        "kk": {
            "title": "Қағаз хатыңызға жауап",
            "why": "Қағаз хатыңыз осы бетте көрсетілген жіберушіге электрондық түрде жеткізілді, және ол дәл "
            "солай жауап берді. Бұл хат — жауаптың қағаз түрі; мазмұны келесі беттерде.",
            "original": "Түпнұсқасы — электрондық хабар, оның бөліктерінің SHA-256 мәндері жоғарыда.",
        },
        "az": {
            "title": "Kağız məktubunuza cavab",
            "why": "Kağız məktubunuz bu səhifədə göstərilən göndərənə elektron qaydada çatdırılıb və o, "
            "eyni qaydada cavab verib. Bu məktub cavabın kağız formasıdır; məzmunu növbəti səhifələrdədir.",
            "original": "Əsli elektron mesajdır; onun hissələrinin SHA-256 qiymətləri yuxarıdadır.",
        },
    }
)
"""What is said otherwise of an answer to a letter that came on paper: its reader has no mailbox."""

POLICIES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "hy": {
            "am-2015": "ընթերցման հաստատմամբ",
            "am-2025": "մուտքով, բացմամբ, նամակով կամ հրապարակային ծանուցմամբ",
        },
        "ru": {
            "am-2015": "по подтверждению прочтения",
            "am-2025": "по входу, открытию, письму или публичному извещению",
        },
        "en": {
            "am-2015": "by confirmation of the reading",
            "am-2025": "by sign-in, opening, letter or public notice",
        },
        "kk": {
            "am-2015": "оқылғанын растау арқылы",
            "am-2025": "кіру, ашу, хат немесе жария хабарландыру арқылы",
        },
        "az": {
            "am-2015": "oxunmanın təsdiqi ilə",
            "am-2025": "giriş, açılma, məktub və ya ictimai bildiriş ilə",
        },
    }
)
"""By language and by the name of a notification policy: by what one is notified under it. Others are printed
by their names alone.
"""

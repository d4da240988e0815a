"""What public notices say, in the languages of the jurisdictions.

Anybody reads them: they say that there is something for somebody, from whom and by when, and never what.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class NoticeWords:
    """The texts of one language; values stand in braces.

    Attributes:
        title, text: the notice: `recipient`, `sender`, `deadline`, `delivery`.
        time_format: how the deadline is written, for `strftime`; numbers alone.
        feed: the title of all notices: `post`.
        about: what stands above them.
        none: where there are none.
        older: the words of the link to those before.
    """

    title: str
    text: str
    time_format: str
    feed: str
    about: str
    none: str
    older: str


TEXTS: Final[Mapping[str, NoticeWords]] = MappingProxyType(
    {
        "en": NoticeWords(
            title="Notice to {recipient}",
            text="{sender} has sent an official letter to {recipient}. It lies in the recipient's official "
            "mailbox. Unless notified otherwise before, the recipient counts as properly notified from "
            "{deadline} on. Number of the delivery: {delivery}.",
            time_format="%Y-%m-%d, %H:%M",
            feed="Public notices: {post}",
            about="Each notice says that a letter lies in somebody's official mailbox, and not what it says. "
            "It is removed as soon as it has served its purpose.",
            none="There are no notices now.",
            older="Older notices",
        ),
        "hy": NoticeWords(
            title="Ծանուցում՝ {recipient}",
            text="Ուղարկող՝ {sender}։ Հասցեատեր՝ {recipient}։ Հասցեատիրոջ պաշտոնական փոստարկղում պաշտոնական "
            "նամակ կա։ Եթե մինչ այդ այլ կերպ չծանուցվի, հասցեատերը պատշաճ ծանուցված է համարվում "
            "հետևյալ պահից՝ {deadline}։ Առաքման համարը՝ {delivery}։",
            time_format="%d.%m.%Y, %H:%M",
            feed="Հրապարակային ծանուցումներ՝ {post}",
            about="Յուրաքանչյուր ծանուցում հայտնում է միայն, որ որևէ մեկի պաշտոնական փոստարկղում նամակ "
            "կա, և ոչ թե դրա բովանդակությունը։ Ծանուցումը հեռացվում է, հենց որ կատարել է իր նպատակը։",
            none="Այս պահին ծանուցումներ չկան։",
            older="Ավելի հին ծանուցումներ",
        ),
        "ru": NoticeWords(
            title="Извещение: {recipient}",
            text="Отправитель: {sender}. Адресат: {recipient}. В официальном почтовом ящике адресата "
            "находится официальное письмо. Если адресат не будет извещён иначе раньше, то с {deadline} он "
            "считается надлежаще извещённым. Номер отправления: {delivery}.",
            time_format="%d.%m.%Y, %H:%M",
            feed="Публичные извещения: {post}",
            about="Каждое извещение сообщает только о том, что в чьём-то официальном почтовом ящике есть "
            "письмо, но не о его содержании. Извещение удаляется, как только оно выполнило свою задачу.",
            none="Сейчас извещений нет.",
            older="Более ранние извещения",
        ),
        "kk": NoticeWords(
            title="Хабарлама: {recipient}",
            text="Жіберуші: {sender}. Алушы: {recipient}. Алушының ресми пошта жәшігінде ресми хат бар. "
            "Егер алушы бұған дейін өзгеше хабарланбаса, {deadline} бастап тиісінше хабарланған болып "
            "саналады. Жөнелтілім нөмірі: {delivery}.",
            time_format="%d.%m.%Y, %H:%M",
            feed="Жария хабарламалар: {post}",
            about="Әр хабарлама біреудің ресми пошта жәшігінде хат бар екенін ғана айтады, оның мазмұнын "
            "айтпайды. Хабарлама мақсатын орындаған бойда жойылады.",
            none="Қазір хабарламалар жоқ.",
            older="Бұрынғы хабарламалар",
        ),
        "az": NoticeWords(
            title="Bildiriş: {recipient}",
            text="Göndərən: {sender}. Alıcı: {recipient}. Alıcının rəsmi poçt qutusunda rəsmi məktub var. "
            "Alıcı bundan əvvəl başqa cür bildiriş almasa, {deadline} tarixindən lazımi qaydada bildiriş "
            "almış sayılır. Göndərişin nömrəsi: {delivery}.",
            time_format="%d.%m.%Y, %H:%M",
            feed="İctimai bildirişlər: {post}",
            about="Hər bildiriş yalnız kiminsə rəsmi poçt qutusunda məktub olduğunu bildirir, məzmununu "
            "yox. Bildiriş məqsədini yerinə yetirən kimi silinir.",
            none="Hazırda bildiriş yoxdur.",
            older="Əvvəlki bildirişlər",
        ),
    }
)
"""By language, as profiles name them."""

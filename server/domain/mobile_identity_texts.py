"""What a citizen is told of an attempt with the phone, in every language of the profiles (SIGN-1, SIGN-2)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from server.domain.mobile_identity import Failed, Failure, ScreenText

UNCOUNTED = "WRONG_PIN_UNCOUNTED"
"""The text for a wrong PIN where the service does not tell how many tries are left."""

TEXTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        Failure.WRONG_PIN: {
            "hy": "{pin}-ը սխալ է մուտքագրված։ Մնացած փորձերի թիվը՝ {tries_left}։",
            "ru": "{pin} введён неверно. Осталось попыток: {tries_left}.",
            "en": "The {pin} was wrong. Tries left: {tries_left}.",
            "kk": "{pin} қате енгізілді. Қалған әрекет саны: {tries_left}.",
            "az": "{pin} yanlış daxil edilib. Qalan cəhdlərin sayı: {tries_left}.",
        },
        UNCOUNTED: {
            "hy": "{pin}-ը սխալ է մուտքագրված։ Երեք սխալ փորձից հետո այն արգելափակվում է։",
            "ru": "{pin} введён неверно. После трёх неверных попыток он блокируется.",
            "en": "The {pin} was wrong. After three wrong tries it is blocked.",
            "kk": "{pin} қате енгізілді. Үш қате әрекеттен кейін ол бұғатталады.",
            "az": "{pin} yanlış daxil edilib. Üç yanlış cəhddən sonra o bloklanır.",
        },
        Failure.PIN_BLOCKED: {
            "hy": "{pin}-ն արգելափակված է․ երեք անգամ սխալ է մուտքագրվել։ Բացեք այն PUK կոդով։",
            "ru": "{pin} заблокирован: три раза введён неверно. Разблокируйте его кодом PUK.",
            "en": "The {pin} is blocked: it was wrong three times. Open it again with the PUK.",
            "kk": "{pin} бұғатталды: үш рет қате енгізілді. Оны PUK кодымен ашыңыз.",
            "az": "{pin} bloklanıb: üç dəfə yanlış daxil edilib. Onu PUK kodu ilə açın.",
        },
        Failure.PUK_BLOCKED: {
            "hy": "PUK կոդն արգելափակված է․ երեք անգամ սխալ է մուտքագրվել։ Օպերատորից վերցրեք նոր SIM քարտ, "
            "ապա ստացեք նոր հավաստագիր։",
            "ru": "Код PUK заблокирован: три раза введён неверно. Получите у оператора новую SIM-карту, "
            "а затем новый сертификат.",
            "en": "The PUK is blocked: it was wrong three times. Get a new SIM from your operator, and "
            "then a new certificate.",
            "kk": "PUK коды бұғатталды: үш рет қате енгізілді. Оператордан жаңа SIM-карта, содан кейін жаңа "
            "сертификат алыңыз.",
            "az": "PUK kodu bloklanıb: üç dəfə yanlış daxil edilib. Operatordan yeni SIM-kart, sonra "
            "isə yeni sertifikat alın.",
        },
        Failure.SERVICE_SUSPENDED: {
            "hy": "Ծառայությունը կասեցված է (Service suspended)։ Մարեք պարտքը կամ դիմեք Ձեր բջջային "
            "օպերատորին։",
            "ru": "Услуга приостановлена (Service suspended). Погасите задолженность или обратитесь к своему "
            "мобильному оператору.",
            "en": "Service suspended: settle what is owed for it, or ask your mobile operator.",
            "kk": "Қызмет тоқтатылды (Service suspended). Қарызды өтеңіз немесе ұялы байланыс операторыңызға "
            "хабарласыңыз.",
            "az": "Xidmət dayandırılmışdır (Service suspended). Borcu ödəyin və ya mobil operatorunuzla "
            "əlaqə saxlayın.",
        },
        Failure.CERTIFICATE_EXPIRED: {
            "hy": "Ձեր բջջային ստորագրության հավաստագիրն ուժի մեջ չէ․ ժամկետն անցել է կամ դեռ չի սկսվել։ "
            "Ստացեք նոր հավաստագիր։",
            "ru": "Сертификат Вашей мобильной подписи не действует: срок истёк или ещё не начался. Получите "
            "новый сертификат.",
            "en": "The certificate of your mobile signature is not valid: it has expired, or has not begun. "
            "Get a new certificate.",
            "kk": "Мобильді қолтаңбаңыздың сертификаты жарамсыз: мерзімі өтті немесе әлі басталған жоқ. Жаңа "
            "сертификат алыңыз.",
            "az": "Mobil imzanızın sertifikatı etibarsızdır: müddəti bitib və ya hələ başlamayıb. Yeni "
            "sertifikat alın.",
        },
        Failure.PHONE_UNREACHABLE: {
            "hy": "Հարցումը Ձեր հեռախոսին չի հասել։ Ստուգեք, որ հեռախոսը միացված և ցանցում է, իսկ ստորագրող "
            "SIM քարտը՝ առաջին բնիկում, և փորձեք կրկին։",
            "ru": "Запрос не дошёл до Вашего телефона. Проверьте, что телефон включён и в сети, а "
            "SIM-карта с подписью стоит в первом гнезде, и попробуйте ещё раз.",
            "en": "Your phone could not be reached. See that it is on and has a network, and that the "
            "signing SIM is in the first slot; then try again.",
            "kk": "Сұрау телефоныңызға жетпеді. Телефонның қосулы әрі желіде екенін, қолтаңба SIM-картасының "
            "бірінші ұяда тұрғанын тексеріп, қайталап көріңіз.",
            "az": "Sorğu telefonunuza çatmadı. Telefonun açıq və şəbəkədə olduğunu, imzalayan "
            "SIM-kartın birinci yuvada olduğunu yoxlayıb yenidən cəhd edin.",
        },
        Failure.CANCELLED: {
            "hy": "Դուք հարցումը չեղարկեցիք հեռախոսով։ Ոչինչ չի ստորագրվել։",
            "ru": "Вы отменили запрос на телефоне. Ничего не подписано.",
            "en": "You cancelled on the phone. Nothing was signed.",
            "kk": "Сіз сұрауды телефонда болдырмадыңыз. Ештеңеге қол қойылған жоқ.",
            "az": "Sorğunu telefonda ləğv etdiniz. Heç nə imzalanmadı.",
        },
        Failure.TIMED_OUT: {
            "hy": "{pin}-ը ժամանակին չի մուտքագրվել։ Փորձեք կրկին։",
            "ru": "{pin} не был введён вовремя. Попробуйте ещё раз.",
            "en": "The {pin} was not entered in time. Try again.",
            "kk": "{pin} уақытында енгізілмеді. Қайталап көріңіз.",
            "az": "{pin} vaxtında daxil edilmədi. Yenidən cəhd edin.",
        },
        Failure.HASH_MISMATCH: {
            "hy": "Ձեր SIM քարտը չի համապատասխանում օպերատորի տվյալներին։ Դիմեք Ձեր բջջային օպերատորին։",
            "ru": "Ваша SIM-карта не соответствует данным оператора. Обратитесь к своему мобильному "
            "оператору.",
            "en": "Your SIM is not as your operator has it recorded. Ask your mobile operator.",
            "kk": "SIM-картаңыз оператордың деректеріне сәйкес емес. Ұялы байланыс операторыңызға "
            "хабарласыңыз.",
            "az": "SIM-kartınız operatorun məlumatlarına uyğun gəlmir. Mobil operatorunuza müraciət edin.",
        },
        Failure.NOT_A_CLIENT: {
            "hy": "Այս անձն այս հեռախոսով գործող բջջային ստորագրություն չունի։",
            "ru": "У этого лица нет действующей мобильной подписи на этом телефоне.",
            "en": "This person has no mobile signature in force on this phone.",
            "kk": "Бұл адамның осы телефонда қолданыстағы мобильді қолтаңбасы жоқ.",
            "az": "Bu şəxsin bu telefonda qüvvədə olan mobil imzası yoxdur.",
        },
        Failure.UNKNOWN_NUMBER: {
            "hy": "Ծառայությունն այս համարն այս անձի հետ չի ճանաչում։ Ստուգեք երկուսն էլ։",
            "ru": "Служба не знает этого номера у этого лица. Проверьте то и другое.",
            "en": "The service does not know this number as this person's. Check both.",
            "kk": "Қызмет бұл нөмірді осы адамдікі деп танымайды. Екеуін де тексеріңіз.",
            "az": "Xidmət bu nömrəni bu şəxsin nömrəsi kimi tanımır. Hər ikisini yoxlayın.",
        },
        Failure.SIM_FAULT: {
            "hy": "SIM քարտը ճիշտ չի պատասխանել։ Անջատեք և միացրեք հեռախոսը, ապա փորձեք կրկին։",
            "ru": "SIM-карта ответила неправильно. Выключите и включите телефон и попробуйте ещё раз.",
            "en": "The SIM did not answer as it should. Switch the phone off and on, and try again.",
            "kk": "SIM-карта дұрыс жауап бермеді. Телефонды өшіріп қосыңыз да, қайталап көріңіз.",
            "az": "SIM-kart düzgün cavab vermədi. Telefonu söndürüb yandırın və yenidən cəhd edin.",
        },
        Failure.SIGNATURE_INVALID: {
            "hy": "Հեռախոսից եկած ստորագրությունը չի անցել ստուգումը։ Ոչինչ չի ընդունվել․ տեղյակ պահեք "
            "աջակցման ծառայությանը։",
            "ru": "Подпись, пришедшая с телефона, не прошла проверку. Ничего не принято; сообщите службе "
            "поддержки.",
            "en": "The signature that came from the phone does not verify. Nothing was accepted; tell the "
            "support.",
            "kk": "Телефоннан келген қолтаңба тексеруден өтпеді. Ештеңе қабылданған жоқ; қолдау қызметіне "
            "хабарлаңыз.",
            "az": "Telefondan gələn imza yoxlamadan keçmədi. Heç nə qəbul edilmədi; dəstək xidmətinə məlumat "
            "verin.",
        },
        Failure.WRONG_KEY: {
            "hy": "Հեռախոսը պատասխանել է մեկ այլ բանալիով․ այստեղ պետք է {pin}-ը։",
            "ru": "Телефон ответил другим ключом: здесь нужен {pin}.",
            "en": "The phone answered with another key: this needs the {pin}.",
            "kk": "Телефон басқа кілтпен жауап берді: мұнда {pin} керек.",
            "az": "Telefon başqa açarla cavab verdi: burada {pin} lazımdır.",
        },
        Failure.OTHER_PERSON: {
            "hy": "Հեռախոսի հավաստագիրն այլ անձի է։",
            "ru": "Сертификат в телефоне принадлежит другому лицу.",
            "en": "The phone's certificate belongs to another person.",
            "kk": "Телефондағы сертификат басқа адамға тиесілі.",
            "az": "Telefondakı sertifikat başqa şəxsə məxsusdur.",
        },
        Failure.NOT_COMPLETED: {
            "hy": "Բջջային ստորագրության ծառայությունը չի ավարտել հարցումը։ Փորձեք ավելի ուշ։",
            "ru": "Служба мобильной подписи не довела запрос до конца. Попробуйте позже.",
            "en": "The mobile signature service did not complete this. Try again later.",
            "kk": "Мобильді қолтаңба қызметі сұрауды аяқтамады. Кейінірек қайталап көріңіз.",
            "az": "Mobil imza xidməti sorğunu tamamlamadı. Sonra yenidən cəhd edin.",
        },
    }
)
"""By the failure's name and the language. `{pin}` is PIN1 or PIN2."""


class Screen(StrEnum):
    """What a phone is asked for."""

    SIGN_IN = "SIGN_IN"
    STEP_UP = "STEP_UP"
    CONFIRM_READING = "CONFIRM_READING"


SCREENS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        Screen.SIGN_IN: {
            "hy": "Մուտք պաշտոնական փոստ",
            "ru": "Вход в официальную почту",
            "en": "Sign in to the official post",
            "kk": "Ресми поштаға кіру",
            "az": "Rəsmi poçta giriş",
        },
        Screen.STEP_UP: {
            "hy": "Պաշտոնական փոստ մուտքի հաստատում",
            "ru": "Подтверждение входа в официальную почту",
            "en": "Confirm your sign-in to the official post",
            "kk": "Ресми поштаға кіруді растау",
            "az": "Rəsmi poçta girişin təsdiqi",
        },
        Screen.CONFIRM_READING: {
            "hy": "Հաստատել պաշտոնական նամակի ընթերցումը",
            "ru": "Подтвердить прочтение официального письма",
            "en": "Confirm that you read the official letter",
            "kk": "Ресми хатты оқығанды растау",
            "az": "Rəsmi məktubun oxunmasını təsdiq etmək",
        },
    }
)
"""What the phone shows, by purpose and language: short enough for every screen."""


def words_for(failed: Failed, language: str) -> str:
    """Returns what to tell the citizen. Raises KeyError for a language that no profile offers."""
    counted = failed.failure is not Failure.WRONG_PIN or failed.tries_left is not None
    text = TEXTS[failed.failure if counted else UNCOUNTED][language]
    return text.format(pin=failed.key.value, tries_left=failed.tries_left)


def screen_for(screen: Screen, language: str) -> ScreenText:
    """Returns what the phone shows. Raises KeyError for a language that no profile offers."""
    return ScreenText(SCREENS[screen][language], language)

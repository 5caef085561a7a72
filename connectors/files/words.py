"""What people call things in their tables: currencies, months, yes and no, in several languages."""

CURRENCIES = {
    "₸": "KZT", "тг": "KZT", "тнг": "KZT", "тенге": "KZT", "теңге": "KZT", "tenge": "KZT",
    "₽": "RUB", "р": "RUB", "руб": "RUB", "рублей": "RUB", "рубль": "RUB", "rub": "RUB", "rur": "RUB",
    "₴": "UAH", "грн": "UAH", "гривна": "UAH", "гривня": "UAH", "гривень": "UAH",
    "₺": "TRY", "tl": "TRY", "trl": "TRY", "lira": "TRY", "лира": "TRY",
    "₩": "KRW", "원": "KRW", "won": "KRW", "вон": "KRW",
    "€": "EUR", "euro": "EUR", "евро": "EUR", "eur": "EUR",
    "$": "USD", "us$": "USD", "usd": "USD", "доллар": "USD", "долл": "USD", "у.е": "USD",
    "£": "GBP", "zł": "PLN", "kč": "CZK", "₾": "GEL", "₼": "AZN", "сом": "KGS", "сум": "UZS", "so'm": "UZS",
    "br": "BYN", "бел.руб": "BYN", "драм": "AMD", "¥": "JPY", "元": "CNY", "₹": "INR",
    "chf": "CHF", "sfr": "CHF",
}  # fmt: skip

# by the first three letters: English, German, Russian, Ukrainian, Kazakh, Turkish
MONTHS = {
    "jan": 1, "янв": 1, "січ": 1, "қаң": 1, "oca": 1, "jän": 1,
    "feb": 2, "фев": 2, "лют": 2, "ақп": 2, "şub": 2, "sub": 2,
    "mar": 3, "мар": 3, "бер": 3, "нау": 3, "mär": 3, "mrz": 3,
    "apr": 4, "апр": 4, "кві": 4, "сәу": 4, "nis": 4,
    "may": 5, "май": 5, "мая": 5, "тра": 5, "мам": 5, "mai": 5,
    "jun": 6, "июн": 6, "чер": 6, "мау": 6, "haz": 6,
    "jul": 7, "июл": 7, "лип": 7, "шіл": 7, "tem": 7,
    "aug": 8, "авг": 8, "сер": 8, "там": 8, "ağu": 8, "agu": 8,
    "sep": 9, "сен": 9, "вер": 9, "қыр": 9, "eyl": 9,
    "oct": 10, "окт": 10, "жов": 10, "қаз": 10, "eki": 10, "okt": 10,
    "nov": 11, "ноя": 11, "лис": 11, "қар": 11, "kas": 11,
    "dec": 12, "дек": 12, "гру": 12, "жел": 12, "ara": 12, "dez": 12,
}  # fmt: skip

_YES = (
    "yes y true 1 on ja j wahr да д истина вкл иә ия evet e doğru 예 네 참 "
    "subscribed active opted-in optin opt-in accepted granted подписан подписана согласен согласна "
    "abone abonniert 동의 수신 + ✓ ✔ x х"
)
_NO = (
    "no n false 0 off nein falsch нет н ложь выкл жоқ hayır hayir h yanlış 아니오 아니요 거짓 "
    "unsubscribed cleaned bounced complained inactive opted-out optout opt-out declined denied withdrawn "
    "отписан отписана отказ отказался отказалась abgemeldet 거부 미동의 수신거부"
)
YES = frozenset(_YES.split())
NO = frozenset(_NO.split())

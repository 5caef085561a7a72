"""What people write into their cells: currencies, months, yes and no, states, countries."""

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
    "given subscribed active opted-in optin opt-in accepted granted подписан подписана согласен согласна "
    "abone abonniert 동의 수신 + ✓ ✔ x х"
)
_NO = (
    "no n false 0 off nein falsch нет н ложь выкл жоқ hayır hayir h yanlış 아니오 아니요 거짓 "
    "unsubscribed cleaned bounced complained inactive opted-out optout opt-out declined denied withdrawn "
    "отписан отписана отказ отказался отказалась abgemeldet 거부 미동의 수신거부"
)
YES = frozenset(_YES.split())
NO = frozenset(_NO.split())

_COMPANIES = (
    "company organization organisation business b2b юрлицо юр.лицо юридическое организация компания ип "
    "ооо тоо tüzel şirket firma kurumsal заңды ұйым 법인 기업 사업자 unternehmen geschäftlich"
)
COMPANIES = frozenset(_COMPANIES.split())

_STATES = {
    "cart": "cart|abandoned|корзина|sepet|себет|장바구니|warenkorb",
    "open": "new|open|pending|on hold|processing|awaiting payment|новый|принят|в обработке|ожидает оплаты|"
    "не оплачен|yeni|beklemede|hazırlanıyor|ödeme bekleniyor|жаңа|өңделуде|신규|접수|결제대기|입금대기|"
    "offen|neu",
    "paid": "paid|оплачен|оплачено|ödendi|ödeme alındı|төленді|결제완료|입금완료|bezahlt",
    "shipped": "shipped|sent|in transit|отправлен|отгружен|в пути|kargoda|kargolandı|gönderildi|"
    "жіберілді|배송중|발송|versandt|versendet",
    "completed": "completed|complete|delivered|done|closed|fulfilled|выполнен|завершен|доставлен|закрыт|"
    "получен|tamamlandı|teslim edildi|орындалды|жеткізілді|аяқталды|배송완료|완료|구매확정|"
    "abgeschlossen|geliefert",
    "cancelled": "cancelled|canceled|void|отменен|отмена|аннулирован|iptal|iptal edildi|бас тартылды|"
    "취소|주문취소|storniert|abgebrochen",
    "refunded": "refunded|returned|возврат|возвращен|iade|iade edildi|қайтарылды|환불|반품|환불완료|"
    "erstattet|retour",
    "failed": "failed|declined|ошибка|не удался|başarısız|қате|실패|fehlgeschlagen",
}
STATES = {word: state for state, words in _STATES.items() for word in words.split("|")}

COUNTRIES = {
    name: code
    for code, names in {
        "KZ": "kazakhstan|казахстан|қазақстан|kazakistan|카자흐스탄|kasachstan|республика казахстан|рк",
        "RU": "russia|russian federation|россия|рф|российская федерация|ресей|rusya|러시아",
        "TR": "turkey|türkiye|turkiye|турция|түркия|튀르키예|터키|türkei",
        "KR": "south korea|korea|republic of korea|южная корея|корея|güney kore|한국|대한민국|südkorea",
        "DE": "germany|deutschland|германия|almanya|독일",
        "UA": "ukraine|украина|україна|ukrayna|우크라이나",
        "BY": "belarus|беларусь|белоруссия",
        "UZ": "uzbekistan|узбекистан|özbekistan|o'zbekiston|우즈베키스탄|usbekistan",
        "KG": "kyrgyzstan|киргизия|кыргызстан|kırgızistan",
        "US": "united states|usa|сша|abd|미국|vereinigte staaten|united states of america",
        "GB": "united kingdom|great britain|england|великобритания|англия|ingiltere|birleşik krallık|영국|uk",
        "AT": "austria|österreich|австрия",
        "CH": "switzerland|schweiz|швейцария",
        "FR": "france|франция|frankreich|fransa|프랑스",
        "IT": "italy|италия|italien|italya",
        "ES": "spain|испания|spanien|ispanya",
        "PL": "poland|польша|polen|polonya",
        "GE": "georgia|грузия|gürcistan",
        "AZ": "azerbaijan|азербайджан|azerbaycan",
        "AM": "armenia|армения|ermenistan",
        "CN": "china|китай|çin|중국",
        "JP": "japan|япония|japonya|일본",
    }.items()
    for name in names.split("|")
}

"""Names, cities and habits of the five languages the invented company sells in. Written for this demo."""

from typing import NamedTuple


class Country(NamedTuple):
    """How people of one language are called, where they live and how they write their numbers."""

    language: str
    code: str  # ISO 3166
    currency: str
    women: tuple[str, ...]
    men: tuple[str, ...]
    families: tuple[tuple[str, str], ...]  # (of a woman, of a man)
    cities: tuple[tuple[str, str], ...]  # (name, first digits of the postcode)
    streets: tuple[str, ...]
    phone: tuple[str, ...]  # patterns; # is a digit
    mail: tuple[str, ...]
    family_first: bool = False


def _split(words: str) -> tuple[str, ...]:
    return tuple(words.split())


def _pairs(words: str) -> tuple[tuple[str, str], ...]:
    """`Иванов/а` is a man's form and the ending a woman's adds; a plain word serves both."""
    pairs = []
    for word in words.split():
        man, _, ending = word.partition("/")
        pairs.append((man + ending, man))
    return tuple(pairs)


KAZAKH = Country(
    "kk",
    "KZ",
    "KZT",
    _split(
        "Айгүл Әсел Назгүл Гүлнар Динара Жанар Сәуле Айжан Мәдина Ақбота Балжан Меруерт Зарина Аружан "
        "Томирис Қарлығаш Шолпан Ұлжан Перизат Інжу Әлия Гүлмира Индира Жібек Камила Лаура"
    ),
    _split(
        "Нұрлан Ерлан Бауыржан Дәурен Айдос Серік Қайрат Асхат Мұрат Тимур Әділет Санжар Олжас Ержан "
        "Арман Ғалым Дәулет Жандос Марат Рүстем Талғат Үміт Шыңғыс Ілияс Бекзат Алмас"
    ),
    _pairs(
        "Ахметов/а Нұрғалиев/а Сейітов/а Оспанов/а Жұмабаев/а Қасымов/а Смағұлов/а Төлегенов/а Байжанов/а "
        "Әбдірахманов/а Есенов/а Мұқанов/а Сұлтанов/а Ысқақов/а Кенжебаев/а Тұрсынов/а Досымов/а Қалиев/а "
        "Бекмұратов/а Рақымов/а Садықов/а Омаров/а Әлімов/а Жақыпов/а Құрманов/а Нұртаев/а"
    ),
    (
        ("Алматы", "050"),
        ("Астана", "010"),
        ("Шымкент", "160"),
        ("Қарағанды", "100"),
        ("Ақтөбе", "030"),
        ("Тараз", "080"),
        ("Атырау", "060"),
        ("Семей", "071"),
    ),
    (
        "Абай даңғылы",
        "Төле би көшесі",
        "Достық даңғылы",
        "Сәтбаев көшесі",
        "Жібек жолы",
        "Мәңгілік Ел даңғылы",
    ),
    ("+7 701 ### ## ##", "8 (707) ###-##-##", "8705#######", "+7 (777) ### ####", "+7747#######"),
    ("poshta.example", "qazmail.example", "bereke.example"),
)

RUSSIAN = Country(
    "ru",
    "RU",
    "RUB",
    _split(
        "Анна Мария Елена Ольга Наталья Ирина Екатерина Светлана Татьяна Юлия Дарья Полина Вера Алиса "
        "Ксения Людмила Марина Валентина Алёна Софья Галина Лариса Надежда Зоя Майя Евгения"
    ),
    _split(
        "Александр Дмитрий Сергей Андрей Алексей Иван Михаил Николай Павел Борис Фёдор Егор Константин "
        "Артём Виктор Григорий Роман Станислав Тимофей Юрий Лев Матвей Пётр Семён Василий Игорь"
    ),
    _pairs(
        "Петров/а Смирнов/а Кузнецов/а Воробьёв/а Соколов/а Лебедев/а Морозов/а Новиков/а Зайцев/а "
        "Белов/а Гусев/а Тарасов/а Киселёв/а Орлов/а Макаров/а Фролов/а Жуков/а Савельев/а Рыбаков/а "
        "Синицын/а Щербаков/а Ершов/а Калинин/а Голубев/а Романенко Ткачук Юдин/а Чернышёв/а"
    ),
    (
        ("Москва", "101"),
        ("Санкт-Петербург", "190"),
        ("Казань", "420"),
        ("Новосибирск", "630"),
        ("Екатеринбург", "620"),
        ("Омск", "644"),
        ("Самара", "443"),
        ("Томск", "634"),
    ),
    ("ул. Ленина", "Садовая ул.", "пр-т Мира", "ул. Чехова", "Набережная ул.", "Лесная ул.", "ул. Гоголя"),
    ("+7 916 ###-##-##", "8 (903) ### ## ##", "8926#######", "+7 (985) ###-##-##", "8-913-###-####"),
    ("pochta.example", "yashchik.example", "pismo.example"),
)

TURKISH = Country(
    "tr",
    "TR",
    "TRY",
    _split(
        "Ayşe Fatma Zeynep Elif Emine Hatice Merve Büşra Şule Gülşen Özlem Çiğdem Sevgi Nurgül Aygül İrem "
        "Defne Ece Pınar Tuğba Yasemin Selin Gamze Şeyma Işıl Derya"
    ),
    _split(
        "Mehmet Mustafa Ahmet Ali Hüseyin İbrahim Emre Burak Çağrı Oğuz Umut Kerem Barış Özgür Şükrü Tolga "
        "Volkan Yiğit Gökhan Serkan Deniz Kaan Ilgaz Uğur Halil Ömer"
    ),
    _pairs(
        "Yılmaz Kaya Demir Çelik Şahin Yıldız Yıldırım Öztürk Aydın Özdemir Arslan Doğan Kılıç Aslan Çetin "
        "Kara Koç Kurt Özkan Şimşek Güneş Işık Bulut Erdoğmuş Tekin Avcı"
    ),
    (
        ("İstanbul", "34"),
        ("Ankara", "06"),
        ("İzmir", "35"),
        ("Bursa", "16"),
        ("Antalya", "07"),
        ("Eskişehir", "26"),
        ("Gaziantep", "27"),
    ),
    ("Atatürk Cad.", "Cumhuriyet Cad.", "İnönü Sok.", "Gül Sok.", "Çınar Sok.", "Bahçe Cad."),
    ("0532 ### ## ##", "+90 542 ### ## ##", "0 (505) ### ## ##", "+90555#######", "0533#######"),
    ("posta.example", "mektup.example", "eposta.example"),
)

KOREAN = Country(
    "ko",
    "KR",
    "KRW",
    _split(
        "서연 지우 민서 하윤 지민 수아 예은 채원 다은 유진 은지 혜진 미영 소영 지혜 현주 나래 보람 가은 윤아 "
        "시은 아름 수빈 예린"
    ),
    _split(
        "민준 서준 도윤 예준 시우 주원 지호 준서 현우 건우 성민 영호 동현 재훈 상우 태윤 승현 정훈 우진 "
        "경수 진호 한결 지훈 은우"
    ),
    _pairs("김 이 박 최 정 강 조 윤 장 임 한 오 서 신 권 황 안 송 홍 문 배 남궁"),
    (
        ("서울", "041"),
        ("부산", "487"),
        ("인천", "215"),
        ("대구", "419"),
        ("대전", "352"),
        ("광주", "619"),
        ("수원", "164"),
    ),
    ("세종대로", "테헤란로", "해운대로", "중앙로", "한강대로", "충장로"),
    ("010-####-####", "+82 10 #### ####", "010########", "+8210########"),
    ("pyeonji.example", "hanmaeul.example", "uche.example"),
    family_first=True,
)

ENGLISH = Country(
    "en", "GB", "EUR",
    _split("Alice Grace Hannah Emily Charlotte Imogen Beatrice Rosie Martha Freya Niamh Olive Harriet Phoebe "
           "Eleanor Ruth Joan Tessa Winifred Nora Clara Edith Maeve Sally"),
    _split("Oliver George Henry Arthur Thomas Callum Edward Rory Hugh Alfred Simon Graham Dermot Owen Felix "
           "Jasper Nigel Stuart Rupert Leo Douglas Ewan Ralph Ivor"),
    _pairs("Ashworth Barlow Carrick Dunmore Ellison Fairley Greaves Hathaway Ingleby Jessop Kirkham Lockwood "
           "Marsden Norwood Oakley Prescott Quigley Redfern Stanton Thorpe Underhill O'Hara Yardley"),
    (("London", "N1"), ("Bristol", "BS1"), ("Leeds", "LS2"), ("Glasgow", "G3"), ("Cardiff", "CF10"),
     ("York", "YO1")),
    ("Mill Lane", "Church Road", "Station Road", "Orchard Close", "Victoria Street", "The Crescent"),
    ("07412 ######", "+44 7480 ######", "07400 ######", "+44 (0)7520 ######"),
    ("letterbox.example", "postbag.example", "inbox.example"),
)  # fmt: skip

COUNTRIES = (KAZAKH, RUSSIAN, TURKISH, KOREAN, ENGLISH)
WEIGHTS = (30, 26, 18, 14, 12)

FIRMS = (
    ("ТОО «Береке Трейд»", "KZ"), ("ТОО Самал Сервис", "KZ"), ("ООО «Северный чай»", "RU"),
    ("ООО Ромашка-Опт", "RU"), ("ИП Лебедева", "RU"), ("Güneş Tekstil A.Ş.", "TR"),
    ("Çınar Gıda Ltd. Şti.", "TR"),
    ("(주)한결상사", "KR"), ("가온물산", "KR"), ("Orchard & Thorpe Ltd", "GB"), ("Mill Lane Tearooms", "GB"),
)  # fmt: skip

GOODS = (
    ("Tea", "Black tea, Samarkand blend", 2400), ("Tea", "Green tea with jasmine", 2900),
    ("Tea", "Mountain thyme tea", 1900), ("Tea", "Rose hip and mint", 1700), ("Tea", "Smoked pine tea", 3600),
    ("Tea", "Tasting set, nine tins", 12900), ("Sweets", "Halva with pistachio", 2600),
    ("Sweets", "Lokum, rose", 2200), ("Sweets", "Baursak mix", 1200),
    ("Sweets", "Honey from Altai meadows", 4800),
    ("Sweets", "Yakgwa, twelve pieces", 3300), ("Sweets", "Dried apricots from Malatya", 2100),
    ("Ceramics", "Tea bowl, cobalt", 3900), ("Ceramics", "Tea bowl, celadon", 5200),
    ("Ceramics", "Teapot, 0.8 l", 14500), ("Ceramics", "Plate, pomegranate", 6900),
    ("Ceramics", "Salt cellar", 2700), ("Ceramics", "Vase, tall", 18900), ("Textiles", "Linen towel", 3100),
    ("Textiles", "Felt slippers", 7900), ("Textiles", "Wool throw, Chalap", 26900),
    ("Textiles", "Korpe quilt, child's", 21500), ("Textiles", "Hammam towel", 5400),
    ("Textiles", "Scarf, Orenburg down", 31900), ("Textiles", "Cushion cover, kilim", 8900),
    ("Copper", "Cezve for two", 9400), ("Copper", "Samovar, three litres", 89000),
    ("Copper", "Tray, chased", 16900), ("Wood", "Serving board, walnut", 11200), ("Wood", "Spoon set", 4300),
    ("Wood", "Chopstick set, lacquered", 5900), ("Wood", "Spice box", 7700),
    ("Paper", "Gift wrap, ikat", 900),
    ("Paper", "Notebook, hanji paper", 3400), ("Paper", "Gift card", 10000),
    ("Baths", "Olive soap, daphne", 1600),
    ("Baths", "Felt sponge", 1300), ("Baths", "Cedar oil", 4100), ("Baths", "Bath salt, Balkhash", 2000),
    ("Baths", "Linen robe", 24900),
)  # fmt: skip

RATES = {"KZT": 1.0, "RUB": 0.19, "TRY": 0.075, "KRW": 2.6, "EUR": 0.0019}
"""What one tenge of the price list is in each currency the shop takes."""

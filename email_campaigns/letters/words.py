"""What blocks say of their own accord, in the letter's language; English where we don't speak it."""

WORDS: dict[str, dict[str, str]] = {
    "en": {
        "unsubscribe": "Unsubscribe", "preferences": "Choose what you get", "view": "Read in the browser",
        "total": "Total", "delivery": "Delivery", "discount": "Discount", "code": "Your code",
        "until": "Valid until", "buy": "Have a look", "cart": "Back to the cart",
    },
    "ru": {
        "unsubscribe": "Отписаться", "preferences": "Выбрать, что получать", "view": "Открыть в браузере",
        "total": "Итого", "delivery": "Доставка", "discount": "Скидка", "code": "Ваш промокод",
        "until": "Действует до", "buy": "Посмотреть", "cart": "Вернуться в корзину",
    },
    "tr": {
        "unsubscribe": "Abonelikten çık", "preferences": "Ne alacağınızı seçin", "view": "Tarayıcıda aç",
        "total": "Toplam", "delivery": "Kargo", "discount": "İndirim", "code": "Kodunuz",
        "until": "Son gün", "buy": "İncele", "cart": "Sepete dön",
    },
    "kk": {
        "unsubscribe": "Жазылымнан бас тарту", "preferences": "Не алатыныңызды таңдау",
        "view": "Браузерде ашу", "total": "Барлығы", "delivery": "Жеткізу", "discount": "Жеңілдік",
        "code": "Сіздің промокодыңыз", "until": "Соңғы күні", "buy": "Қарау", "cart": "Себетке оралу",
    },
    "ko": {
        "unsubscribe": "수신 거부", "preferences": "수신 항목 선택", "view": "브라우저에서 보기",
        "total": "합계", "delivery": "배송비", "discount": "할인", "code": "쿠폰 코드",
        "until": "사용 기한", "buy": "보러 가기", "cart": "장바구니로 돌아가기",
    },
}  # fmt: skip


def of(language: str) -> dict[str, str]:
    """The words of a language."""
    return WORDS.get(language.replace("_", "-").partition("-")[0].lower(), WORDS["en"])

"""What people write above their columns, in English, Russian, Turkish, Kazakh, Korean and German.

Each field's own name counts as well, so that our exports come back as they went. Words are compared without
case, accents on ё, or punctuation.
"""

_PERSON = {
    "email": (
        "e mail|mail|email address|электронная почта|почта|эл почта|мейл|имейл|емейл|e posta|eposta|"
        "e posta adresi|электрондық пошта|пошта|이메일|메일|이메일 주소|e mail adresse|emailadresse|"
        "billing email"
    ),
    "phone": (
        "phone number|telephone|tel|mobile|mobile phone|cell|телефон|тел|номер телефона|мобильный|"
        "мобильный телефон|моб телефон|контактный телефон|сотовый|telefon|telefon numarası|"
        "cep telefonu|gsm|телефон нөмірі|ұялы телефон|전화|전화번호|연락처|휴대폰|휴대전화|핸드폰|"
        "telefonnummer|mobil|handy|billing phone"
    ),
    "name": (
        "full name|customer|customer name|client|client name|contact|имя клиента|клиент|покупатель|"
        "фио|ф и о|контакт|контактное лицо|наименование|заказчик|получатель|ad soyad|adı soyadı|"
        "müşteri|müşteri adı|аты жөні|тегі аты|клиенттің аты|이름|성명|고객명|고객|주문자|주문자명|"
        "kunde|kundenname|vollständiger name"
    ),
    "given_name": ("first name|firstname|forename|имя|ad|adı|isim|аты|есімі|명|vorname|billing first name"),
    "family_name": (
        "last name|lastname|surname|фамилия|soyad|soyadı|soyisim|тегі|성|nachname|familienname|"
        "billing last name"
    ),
    "middle_name": "patronymic|отчество|әкесінің аты|ikinci ad|zweiter vorname",
    "company": (
        "company name|organisation|organization|компания|организация|юр лицо|юридическое лицо|фирма|"
        "şirket|firma|firma adı|ұйым|компания атауы|회사|회사명|상호|unternehmen|firmenname|"
        "billing company"
    ),
    "tax_number": (
        "tax id|taxid|vat|vat number|vat id|инн|иин|бин|иин бин|бин иин|инн бин|унп|vergi no|"
        "vergi numarası|vkn|tckn|tc kimlik no|жсн|бсн|사업자등록번호|사업자번호|steuernummer|ust id|"
        "ustid|umsatzsteuer id"
    ),
    "registration_number": (
        "registration no|reg number|кпп|огрн|sicil no|тіркеу нөмірі|법인등록번호|handelsregister"
    ),
    "birthday": (
        "birth date|birthdate|date of birth|dob|дата рождения|день рождения|др|doğum tarihi|"
        "туған күні|생년월일|생일|geburtsdatum|geburtstag"
    ),
    "language": "locale|lang|язык|dil|тіл|тілі|언어|sprache",
    "country": "country code|страна|ülke|ел|елі|мемлекет|국가|나라|land|billing country",
    "region": "state|province|регион|область|край|il|облыс|аймақ|지역|도|bundesland|billing state",
    "city": "town|город|населенный пункт|şehir|sehir|қала|қаласы|도시|시|stadt|ort|billing city",
    "postcode": (
        "zip|zip code|postal code|индекс|почтовый индекс|posta kodu|пошталық индекс|우편번호|plz|"
        "postleitzahl|billing postcode"
    ),
    "address": (
        "address line|address 1|address1|street|адрес|адрес доставки|улица|adres|açık adres|мекенжай|"
        "мекен жайы|주소|배송지|anschrift|adresse|straße|strasse|billing address 1|shipping address"
    ),
    "note": (
        "notes|comment|comments|remark|примечание|комментарий|заметка|not|notlar|açıklama|ескерту|"
        "түсініктеме|비고|메모|notiz|bemerkung|kommentar"
    ),
}

CUSTOMERS = {
    "external_id": (
        "id|customer id|record id|client id|user id|uid|код|код клиента|ид|ид клиента|номер клиента|"
        "внешний код|müşteri no|müşteri id|müşteri kodu|клиент коды|고객번호|고객id|고객 id|회원번호|"
        "아이디|kundennummer|kundennr|kunden id"
    ),
    **_PERSON,
    "kind": (
        "type|customer type|party type|тип|тип клиента|вид|tür|müşteri tipi|түрі|유형|고객유형|typ|kundentyp"
    ),
    "tags": (
        "tag|labels|groups|group|теги|метки|группа|сегмент|etiketler|etiket|grup|белгілер|태그|그룹|gruppe"
    ),
    "consent_email": (
        "consent|email consent|newsletter|subscribed|subscription|email marketing|accepts marketing|"
        "marketing consent|accepts email marketing|opt in|optin|согласие|согласие на рассылку|"
        "рассылка|подписка|подписан|согласие на получение рассылки|e posta izni|eposta izni|bülten|"
        "ticari ileti izni|izin|хабарлама келісімі|келісім|жазылым|수신동의|이메일 수신동의|메일수신|"
        "마케팅 동의|einwilligung|newsletter abonniert|werbeeinwilligung"
    ),
    "consent_sms": (
        "sms consent|sms marketing|accepts sms marketing|согласие на смс|согласие на sms|"
        "смс рассылка|sms izni|смс келісімі|sms 수신동의|문자 수신동의|sms einwilligung"
    ),
    "unsubscribed": (
        "opt out|optout|opted out|unsubscribe|отписан|отписался|отписка|не писать|listeden çıktı|"
        "жазылымнан бас тартты|수신거부|abgemeldet"
    ),
    "consent_at": (
        "consent date|consent time|subscribed at|opt in date|дата согласия|дата подписки|izin tarihi|"
        "келісім күні|동의일|수신동의일|einwilligung am"
    ),
    "device_id": "visitor id|visitor|device|client cookie|ид посетителя",
    "created_at": (
        "created|created on|date created|registered|registered at|registration date|signup date|"
        "дата регистрации|дата создания|создан|kayıt tarihi|oluşturma tarihi|тіркелген күні|가입일|"
        "등록일|registriert am|erstellt am|angelegt am"
    ),
    "changed_at": (
        "updated|updated at|modified|changed|last update|дата изменения|изменен|güncelleme tarihi|"
        "өзгертілген күні|수정일|geändert am"
    ),
}

ORDERS = {
    "number": (
        "order|order number|order no|order id|id|external id|invoice number|номер|номер заказа|заказ|"
        "n заказа|код заказа|sipariş no|sipariş numarası|sipariş|тапсырыс нөмірі|тапсырыс|주문번호|"
        "주문 번호|주문|bestellnummer|bestellung|auftragsnummer|auftrag"
    ),
    "placed_at": (
        "date|order date|ordered at|created|created at|date created|дата|дата заказа|дата и время|"
        "дата создания|sipariş tarihi|tarih|күні|тапсырыс күні|주문일|주문일시|주문일자|날짜|datum|"
        "bestelldatum|bestellt am"
    ),
    "state": (
        "status|order status|статус|статус заказа|состояние|durum|sipariş durumu|күйі|мәртебесі|상태|"
        "주문상태|bestellstatus"
    ),
    "currency": "currency code|валюта|para birimi|валюта коды|통화|währung",
    "total": (
        "order total|grand total|amount|sum|total price|сумма|сумма заказа|итого|всего|к оплате|"
        "стоимость|toplam|toplam tutar|tutar|genel toplam|сомасы|барлығы|жиыны|총액|합계|결제금액|"
        "총금액|주문금액|gesamt|gesamtbetrag|gesamtsumme|summe|betrag"
    ),
    "discount": (
        "discount total|discount amount|скидка|сумма скидки|indirim|indirim tutarı|жеңілдік|할인|"
        "할인금액|rabatt"
    ),
    "shipping": (
        "shipping cost|shipping total|delivery cost|delivery|доставка|стоимость доставки|kargo|"
        "kargo ücreti|жеткізу|배송비|versand|versandkosten"
    ),
    "tax": "tax total|vat amount|ндс|налог|сумма ндс|kdv|ққс|салық|세금|부가세|mwst|steuer",
    "refunded": (
        "refund|refund total|refunded amount|возврат|сумма возврата|iade|iade tutarı|қайтарылған|"
        "환불|환불금액|erstattung|erstattet"
    ),
    "customer_id": (
        "client id|user id|код клиента|ид клиента|müşteri no|müşteri id|клиент коды|고객번호|"
        "회원번호|kundennummer"
    ),
    **_PERSON,
    "coupon": (
        "coupon code|coupons|promo code|promocode|промокод|купон|kupon|kupon kodu|промо код|쿠폰|"
        "gutschein|gutscheincode"
    ),
    "sku": (
        "product sku|article|item code|артикул|код товара|stok kodu|ürün kodu|тауар коды|상품코드|"
        "품번|artikelnummer"
    ),
    "product": (
        "product name|item|item name|line item|товар|наименование товара|название товара|позиция|"
        "номенклатура|ürün|ürün adı|тауар|тауар атауы|상품|상품명|제품명|produkt|artikel|artikelname|"
        "bezeichnung"
    ),
    "quantity": "qty|количество|кол во|колво|шт|miktar|adet|саны|수량|menge|anzahl",
    "unit_price": (
        "price|item price|unit cost|цена|цена за единицу|fiyat|birim fiyat|бағасы|баға|단가|가격|"
        "preis|einzelpreis|stückpreis"
    ),
    "line_total": (
        "line amount|item total|subtotal|сумма позиции|сумма строки|стоимость товара|satır toplamı|"
        "ara toplam|жол сомасы|상품금액|소계|zeilensumme|positionssumme|zwischensumme"
    ),
}

PRODUCTS = {
    "external_id": (
        "id|product id|item id|код|ид|внешний код|код 1с|ürün id|ürün no|тауар id|상품번호|상품id|produkt id"
    ),
    "sku": (
        "article|item code|product code|vendor code|артикул|код товара|stok kodu|ürün kodu|"
        "тауар коды|артикулы|상품코드|품번|모델명|artikelnummer|artikelnr"
    ),
    "name": (
        "title|product|product name|item|item name|название|наименование|наименование товара|товар|"
        "номенклатура|ürün|ürün adı|ad|isim|атауы|тауар атауы|тауар|상품명|상품|제품명|이름|produkt|"
        "produktname|artikel|bezeichnung"
    ),
    "price": (
        "regular price|retail price|unit price|цена|розничная цена|цена продажи|стоимость|fiyat|"
        "satış fiyatı|баға|бағасы|가격|판매가|단가|preis|verkaufspreis|stückpreis"
    ),
    "currency": "currency code|валюта|para birimi|валюта коды|통화|währung",
    "barcode": "ean|gtin|upc|ean13|штрихкод|штрих код|barkod|штрихкоды|바코드|strichcode",
    "category": (
        "categories|group|категория|группа|раздел|kategori|санат|санаты|카테고리|분류|kategorie|warengruppe"
    ),
    "unit": "unit of measure|uom|единица|ед изм|единица измерения|birim|өлшем бірлігі|단위|einheit",
    "url": "link|product url|permalink|ссылка|адрес страницы|bağlantı|сілтеме|링크|주소",
    "image": "image url|picture|photo|картинка|изображение|фото|resim|görsel|сурет|이미지|사진|bild",
    "stock": (
        "quantity|qty|in stock|stock quantity|inventory|остаток|количество|наличие|на складе|stok|"
        "miktar|adet|қалдық|саны|재고|재고수량|수량|bestand|lagerbestand|menge"
    ),
    "active": (
        "published|enabled|visible|status|активен|опубликован|показывать|aktif|yayında|белсенді|"
        "판매여부|진열여부|aktiv|sichtbar"
    ),
    "changed_at": ("updated|updated at|modified|дата изменения|изменен|güncelleme tarihi|수정일|geändert am"),
}

FIELDS = {"customers": CUSTOMERS, "orders": ORDERS, "products": PRODUCTS}

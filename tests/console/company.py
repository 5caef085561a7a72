"""A small lifelike company for the pages: two shops, a ledger, people in five languages, a pair to decide."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import msgspec
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from customers import stats, store
from customers.tables import Customer, Source
from foundation import clock, problems
from foundation.database import transaction
from foundation.records import Address, AnyRecord, Consent, Happening, Line, Order, Person
from sync.tables import Connection, Run

PEOPLE = [
    ("yudina", "Анна Юдина", "anna.yudina@mail.example", "+77015550199", "KZ", "Алматы", "KZT"),
    ("sahin", "Şahin Demir", "sahin@demir.example", "+905321234567", "TR", "İstanbul", "TRY"),
    ("kim", "김민수", "minsu.kim@naver.example", "+821023456789", "KR", "서울", "KRW"),
    ("petrov", "Борис Петров", "b.petrov@ya.example", "+79161234567", "RU", "Казань", "RUB"),
    ("aigul", "Айгүл Нұрланова", "aigul.n@mail.example", "+77022345678", "KZ", "Астана", "KZT"),
    ("ernst", "Andre Ernst", "andre2000@web.example", "+4915112345678", "DE", "Kassel", "EUR"),
    ("wolfe", "Dana Wolfe", "dana@wolfe.example", "+447911123456", "GB", "Leeds", "GBP"),
    ("park", "박서연", "seoyeon.park@mail.example", "+821045678901", "KR", "부산", "KRW"),
    ("yilmaz", "Elif Yılmaz", "elif.yilmaz@posta.example", "+905339876543", "TR", "Ankara", "TRY"),
    ("keller", "Jonas Keller", "jonas.keller@web.example", "+4915198765432", "DE", "Köln", "EUR"),
    ("omarov", "Ерлан Омаров", "erlan@omarov.example", "+77051112233", "KZ", "Шымкент", "KZT"),
    ("smirnova", "Ольга Смирнова", "o.smirnova@pochta.example", "+79035556677", "RU", "Пермь", "RUB"),
    ("kaya", "Mehmet Kaya", "mehmet@kaya.example", "+905441237890", "TR", "İzmir", "TRY"),
    ("choi", "최지훈", "jihoon.choi@mail.example", "+821098765432", "KR", "서울", "KRW"),
    ("abenova", "Мадина Абенова", "madina.abenova@mail.example", "+77477778899", "KZ", "Алматы", "KZT"),
]
GOODS = [
    ("SAM-3", "Samovar 3 l", 31000),
    ("CUP-2", "Cup with handle", 2400),
    ("TEA-9", "Black tea, 500 g", 1900),
    ("KET-1", "Kettle, enamel", 12500),
]


def person(key: str, name: str, email: str, phone: str, country: str, city: str, **more: object) -> Person:
    at = clock.now() - timedelta(days=200)
    given, _, family = name.partition(" ")
    made = Person(
        external_id=key,
        name=name,
        given_name=given,
        family_name=family,
        emails=(email,),
        email_verified=True,
        phones=(phone,),
        country=country,
        language={"KZ": "kk", "KR": "ko", "DE": "de", "GB": "en"}.get(country, country.lower()),
        created_at=at,
        changed_at=at,
        addresses=(Address(line="12 Main street", city=city, country=country),),
    )
    return msgspec.structs.replace(made, **more)


def order(
    buyer: Person, number: str, currency: str, days: float, *, state: str = "paid", items: int = 2
) -> Order:
    at = clock.now() - timedelta(days=days, minutes=5)
    lines = tuple(
        Line(
            position=i + 1,
            sku=sku,
            name=name,
            quantity=Decimal(1 + i),
            unit_price=Decimal(price),
            total=Decimal(price) * (1 + i),
        )
        for i, (sku, name, price) in enumerate(GOODS[:items])
    )
    total = sum((line.total for line in lines), Decimal(0))
    happenings = [Happening(kind="placed", at=at, key="placed", amount=total)]
    if state in ("paid", "completed", "refunded"):
        happenings.append(Happening(kind="paid", at=at + timedelta(minutes=4), key="paid", amount=total))
    if state == "refunded":
        happenings.append(
            Happening(
                kind="refunded",
                at=at + timedelta(hours=30) if days > 2 else at + timedelta(minutes=4),
                key="r1",
                amount=total,
                note="Arrived broken",
            )
        )
    return Order(
        external_id=number,
        number=number,
        state=state,
        currency=currency,
        total=total,
        customer_id=buyer.external_id,
        customer=buyer,
        lines=lines,
        happenings=tuple(happenings),
        placed_at=at,
        changed_at=at,
        refunded=total if state == "refunded" else Decimal(0),
        delivery=buyer.addresses[0] if buyer.addresses else None,
    )


def source(session: Session, name: str, kind: str, role: str) -> UUID:
    """A connection with its source, as the wizard would have made it."""
    made = Source(name=name, kind=kind, role=role)
    session.add(made)
    session.flush()
    session.add(
        Connection(
            id=made.id, last_success_at=clock.now() - timedelta(minutes=3), settings={}, hook_secret=None
        )
    )
    session.flush()
    return made.id


def apply(session: Session, source_id: UUID, records: list[AnyRecord]) -> None:
    """Bring records onto cards as the resolver does."""
    items = [store.Resolved(at, clock.now(), [record]) for at, record in enumerate(records, 1)]
    store.apply(session, source_id, items)


def found(engine: Engine) -> dict[str, UUID]:
    """Build the company; names of people and connections -> ids of cards and sources."""
    with transaction(engine) as session:
        shop = source(session, "Bazaar.kz", "woocommerce", "shop")
        old = source(session, "Old shop", "vendure", "shop")
        ledger = source(session, "1C ledger", "spreadsheet", "file")
        people = [person(*one[:6]) for one in PEOPLE]
        consent = Consent(channel="email", given=True, at=clock.now() - timedelta(days=150))
        withdrawn = Consent(channel="sms", given=False, at=clock.now() - timedelta(days=20))
        people[0] = msgspec.structs.replace(
            people[0], consents=(consent, withdrawn), tags=("wholesale", "vip")
        )
        for at in (2, 7, 8, 10):
            people[at] = msgspec.structs.replace(people[at], consents=(consent,))
        people[3] = msgspec.structs.replace(
            people[3], consents=(Consent(channel="email", given=False, at=clock.now() - timedelta(days=9)),)
        )
        records: list[AnyRecord] = list(people)
        for at, (one, made) in enumerate(zip(PEOPLE, people, strict=True)):
            states = ("paid", "completed", "refunded", "open")
            records += [
                order(
                    made,
                    f"B-{10400 + at * 20 + n}",
                    one[6],
                    days=n * 6.3 + at * 0.7,
                    state=states[(n + at) % 4],
                    items=1 + (n + at) % 4,
                )
                for n in range((9, 7, 5, 3, 1, 0, 0, 4, 6, 2, 8, 1, 0, 3, 5)[at])
            ]
        apply(session, shop, records)
        same = person(
            "c-77",
            "Юдина Анна Сергеевна",
            "anna.yudina@mail.example",
            "8 701 555 01 99",
            "KZ",
            "Almaty",
            tax_number="850712400123",
            tax_kind="kz.iin",
            company="ИП Юдина А. С.",
        )
        apply(session, ledger, [same])
        maybe = person("o-5", "Damir Ospanov", "damir@post.example", "+7 702 234 56 78", "KZ", "Astana")
        husband = person("o-6", "Murat Yılmaz", "murat@posta.example", "+90 533 987 65 43", "TR", "Ankara")
        apply(session, old, [maybe, husband, order(maybe, "V-88", "KZT", 40)])
        stats.refresh_rfm(session)
        _runs(session, shop)
        _problems(session, shop)
        session.flush()
        ids = {
            name: key
            for key, name in session.execute(select(Customer.id, Customer.name).where(Customer.live))
        }
    return {**ids, "shop": shop, "old": old, "ledger": ledger}


def _runs(session: Session, shop: UUID) -> None:
    at = clock.now()
    for n in range(4):
        session.add(
            Run(
                connection_id=shop,
                kind="pull",
                state="done",
                read=40 + n,
                new=3,
                changed=n,
                same=37,
                started_at=at - timedelta(minutes=15 * (n + 1)),
                ticked_at=at - timedelta(minutes=15 * (n + 1) - 1),
                finished_at=at - timedelta(minutes=15 * (n + 1) - 1),
                total=40 + n,
            )
        )
    session.add(
        Run(
            connection_id=shop,
            kind="pull",
            state="running",
            read=6400,
            new=220,
            changed=31,
            same=6149,
            total=10000,
            stream="orders",
            started_at=at - timedelta(seconds=50),
            ticked_at=at,
            problems=2,
        )
    )
    day = {"there": 40, "here": 38, "missing": 2, "stale": 0, "extra": 0}
    session.add(
        Run(
            connection_id=shop,
            kind="reconcile",
            state="done",
            started_at=at - timedelta(hours=5),
            finished_at=at,
            detail={
                "streams": {
                    "orders": {
                        "there": 120,
                        "here": 118,
                        "missing": 2,
                        "stale": 0,
                        "extra": 0,
                        "gaps": {"missing": ["812", "815"], "stale": [], "extra": []},
                        "unusable": [],
                        "days": [{"day": f"2026-02-{d:02}", **day} for d in (26, 27, 28)],
                    }
                }
            },
        )
    )


def _problems(session: Session, shop: UUID) -> None:
    problems.report(
        session,
        area="record",
        subject="orders 10442",
        source_id=shop,
        landed_id=12,
        message="/total: “12,5O” is no amount. Correct the order in the shop; it comes again by itself.",
        payload='{"id": 10442, "total": "12,5O", "note": "<script>alert(1)</script>"}',
        key="p1",
    )

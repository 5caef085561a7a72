"""A statement adds up: to what the card says is owed, and from one period to the next."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from customers.settlements.accounts import Account, Bill, Entry, Money, entries, statement

START = datetime(2026, 1, 1, tzinfo=UTC)
EVER = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


def at(day: float) -> datetime:
    return START + timedelta(days=day)


def bill(number: int, total: int, paid: int = 0, day: float = 0, **more: object) -> Bill:
    said = {"source": "Ledger", "currency": "KZT", "settled_at": at(day + 5), "due_at": at(day + 14)} | more
    return Bill(
        id=UUID(int=number), number=str(number), total=Decimal(total), paid=Decimal(paid), issued_at=at(day),
        **said,
    )  # fmt: skip


def money(number: int, amount: int, day: float = 0, **more: object) -> Money:
    pays = more.pop("pays", None)
    said = {"source": "Ledger", "currency": "KZT"} | more
    return Money(
        id=UUID(int=1000 + number), number=str(number), amount=Decimal(amount), paid_at=at(day),
        invoice_id=UUID(int=pays) if isinstance(pays, int) else None, **said,
    )  # fmt: skip


def told(account: Account) -> list[tuple[str, str, Decimal]]:
    return [(entry.kind, entry.number, entry.amount) for entry in account.entries]


def test_period_opens_with_what_was_before() -> None:
    bills = [bill(1, 100, day=0), bill(2, 50, day=10), bill(3, 7, day=40)]
    paid = [money(1, 100, 12, pays=1), money(2, -20, 13)]
    (account,) = statement(bills, paid, at(5), at(31))
    assert told(account) == [("invoice", "2", 50), ("payment", "1", -100), ("returned", "2", 20)]
    assert (account.opening, account.charged, account.paid, account.closing) == (100, 70, 100, 70)


def test_currencies_stand_apart_and_settled_ones_are_left_out() -> None:
    bills = [bill(1, 100), bill(2, 5, currency="EUR"), bill(3, 9, 9, currency="USD", day=-90)]
    first, second = statement(bills, [], *EVER)[:2]
    assert (first.currency, first.closing, second.currency, second.closing) == ("EUR", 5, "KZT", 100)
    assert [one.currency for one in statement(bills, [], at(0), at(31))] == ["EUR", "KZT"]
    assert statement([], [], *EVER) == []


def test_last_day_belongs_to_the_period_and_the_next_does_not() -> None:
    bills = [bill(1, 1, day=0), bill(2, 2, day=1)]
    (account,) = statement(bills, [], at(0), at(1))
    assert told(account) == [("invoice", "1", 1)]


def test_what_the_ledger_says_is_paid_is_a_line_where_no_payment_is() -> None:
    (account,) = statement([bill(1, 100, 80)], [money(1, 30, 2, pays=1)], *EVER)
    assert told(account) == [("invoice", "1", 100), ("payment", "1", -30), ("settled", "1", -50)]
    assert account.entries[-1].at == at(5)


def test_payments_without_an_invoice_are_not_counted_twice() -> None:
    (account,) = statement([bill(1, 100, 100)], [money(1, 70, 2)], *EVER)
    assert told(account) == [("invoice", "1", 100), ("payment", "1", -70), ("settled", "1", -30)]
    (account,) = statement([bill(1, 100, 100)], [money(1, 170, 2)], *EVER)
    assert (told(account)[1:], account.closing) == ([("payment", "1", -170)], -70)
    elsewhere = [money(1, 170, 2, source="Other ledger")]
    (account,) = statement([bill(1, 100, 100)], elsewhere, *EVER)
    assert account.closing == -170, "another ledger's money isn't what this one speaks of"


def test_money_in_another_currency_pays_nothing() -> None:
    euro, tenge = statement([bill(1, 100)], [money(1, 5, pays=1, currency="EUR")], *EVER)
    assert (euro.closing, tenge.closing) == (-5, 100)


numbers = st.integers(1, 6)
bills_ = st.lists(
    st.builds(
        bill, numbers, st.integers(-20, 100), st.integers(0, 120), st.integers(0, 60),
        currency=st.sampled_from(("KZT", "EUR")), source=st.sampled_from(("A", "B")),
    ),
    unique_by=lambda one: one.id, max_size=6,
)  # fmt: skip
money_ = st.lists(
    st.builds(
        money, st.integers(1, 99), st.integers(-50, 100), st.integers(0, 60),
        currency=st.sampled_from(("KZT", "EUR")), source=st.sampled_from(("A", "B")),
        pays=st.one_of(st.none(), numbers),
    ),
    unique_by=lambda one: one.id, max_size=8,
)  # fmt: skip


def balance(accounts: list[Account], currency: str, what: str) -> Decimal:
    return sum((getattr(one, what) for one in accounts if one.currency == currency), Decimal(0))


@settings(max_examples=200, deadline=None)
@given(bills=bills_, payments=money_, cuts=st.lists(st.integers(-1, 70), min_size=3, max_size=3).map(sorted))
def test_periods_follow_one_another(bills: list[Bill], payments: list[Money], cuts: list[int]) -> None:
    begin, middle, end = (at(day) for day in cuts)
    before, after = statement(bills, payments, begin, middle), statement(bills, payments, middle, end)
    whole = statement(bills, payments, begin, end)
    for currency in ("KZT", "EUR"):
        assert balance(before, currency, "closing") == balance(after, currency, "opening")
        assert balance(whole, currency, "closing") == balance(after, currency, "closing")
        for what in ("charged", "paid"):
            both = balance(before, currency, what) + balance(after, currency, what)
            assert both == balance(whole, currency, what)


@settings(max_examples=200, deadline=None)
@given(bills=bills_, payments=money_)
def test_end_is_what_is_owed_less_what_is_paid_in_advance(bills: list[Bill], payments: list[Money]) -> None:
    """Where invoices know at least the payments that name them, as stored ones do."""
    own = {
        one.id: sum((p.amount for p in payments if p.invoice_id == one.id and p.currency == one.currency),
                    Decimal(0))
        for one in bills
    }  # fmt: skip
    bills = [one._replace(paid=max(one.paid, own[one.id])) for one in bills]
    currencies = {one.id: one.currency for one in bills}
    accounts = statement(bills, payments, *EVER)
    for currency in ("KZT", "EUR"):
        owed = sum((one.total - one.paid for one in bills if one.currency == currency), Decimal(0))
        loose: dict[str, Decimal] = {"A": Decimal(0), "B": Decimal(0)}
        for one in payments:
            if one.currency == currency and currencies.get(one.invoice_id) != currency:
                loose[one.source] += one.amount
        said = {
            source: sum((one.paid - own[one.id] for one in bills
                         if one.currency == currency and one.source == source), Decimal(0))
            for source in loose
        }  # fmt: skip
        advance = sum(
            (money - min(max(money, Decimal(0)), said[source]) for source, money in loose.items()), Decimal(0)
        )
        assert balance(accounts, currency, "closing") == owed - advance


def test_nothing_is_lost_of_many() -> None:
    found: list[Entry] = list(
        entries([bill(n, n) for n in range(1, 50)], [money(n, n) for n in range(1, 50)])
    )
    assert len(found) == 98

"""What a source says becomes cards and facts: once, whatever the order and however often it is said."""

from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread

import msgspec
import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from customers import store
from customers.store import Resolved
from foundation.clock import now
from foundation.database import transaction
from foundation.errors import Permanent
from foundation.records import Gone, Happening, Line, Payment, Product
from tests.customers.world import count, row, rows, say, shop
from tests.people import FEBRUARY, JANUARY, anna, annas_orders, aygul, boris, boriss_cart, dana, order


def test_a_customer_becomes_a_card(session: Session) -> None:
    say(session, shop(session), anna())
    found = row(session, "SELECT name, email, live FROM customers")
    assert (found.name, found.email, found.live) == ("Anna Petrova", "anna@example.org", True)


def test_saying_it_again_changes_nothing(session: Session) -> None:
    source = shop(session)
    tables = ("customers", "profiles", "orders", "order_lines", "timeline", "customer_stats", "consents")
    say(session, source, anna(), *annas_orders())
    before = [rows(session, f"SELECT xmin::text, * FROM {table} ORDER BY 2, 3") for table in tables]
    outcome = say(session, source, anna(), *annas_orders(), landed=100)
    assert not any(outcome.counts.values())
    assert before == [rows(session, f"SELECT xmin::text, * FROM {table} ORDER BY 2, 3") for table in tables]


def test_an_order_may_come_before_its_customer(session: Session) -> None:
    source = shop(session)
    say(session, source, order(anna(phones=(), addresses=()), "1"))
    assert count(session, "customers") == 1
    say(session, source, anna())
    assert count(session, "profiles") == 1
    assert row(session, "SELECT phone FROM customers").phone == "+77012345678"
    assert row(session, "SELECT orders FROM customer_stats").orders == 1


def test_an_order_never_rewrites_its_customer(session: Session) -> None:
    source = shop(session)
    say(session, source, anna())
    say(session, source, order(anna(name="A. Petrova", given_name="A.", changed_at=now()), "1"))
    assert row(session, "SELECT name FROM customers").name == "Anna Petrova"


def test_an_order_knows_its_buyer_by_id(session: Session) -> None:
    source = shop(session)
    say(session, source, msgspec.structs.replace(order(anna(), "1"), customer=None))
    assert row(session, "SELECT orders FROM customer_stats").orders == 1
    say(session, source, anna())
    assert row(session, "SELECT name FROM customers WHERE live").name == "Anna Petrova"


def test_an_order_of_nobody_is_kept(session: Session) -> None:
    say(session, shop(session), order(None, "1"))
    assert row(session, "SELECT profile_id, customer_id FROM orders") == (None, None)


def test_guests_of_one_mailbox_are_one_card(session: Session) -> None:
    source = shop(session)
    say(session, source, order(anna(guest=True), "1"), order(anna(guest=True), "2"))
    say(session, source, order(anna(guest=True), "3"), anna())
    assert count(session, "customers WHERE live") == 1
    assert count(session, "profiles WHERE kind = 'guest'") == 3
    assert row(session, "SELECT orders, spent FROM customer_stats") == (3, Decimal(300))


def test_figures_leave_out_what_does_not_count(session: Session) -> None:
    paid, big = annas_orders()
    back = msgspec.structs.replace(paid, refunded=Decimal(30), state="refunded")
    say(
        session,
        shop(session),
        back,
        big,
        order(anna(), "c", state="cancelled"),
        order(anna(), "f", state="failed"),
        order(anna(), "k", state="cart", happenings=()),
    )
    found = row(session, "SELECT orders, spent, currency, first_order_at, last_order_at FROM customer_stats")
    assert found == (2, Decimal("320.50"), "EUR", JANUARY, FEBRUARY)


def test_sums_of_other_currencies_stand_apart(session: Session) -> None:
    say(session, shop(session), *annas_orders(), order(anna(), "3", currency="KZT", total=Decimal(5000)))
    found = row(session, "SELECT spent, currency, sums FROM customer_stats")
    assert found == (Decimal("350.50"), "EUR", {"EUR": "350.5000", "KZT": "5000.0000"})


def test_every_order_was_placed(session: Session) -> None:
    say(session, shop(session), order(anna(), "1", happenings=()), boriss_cart())
    kinds = rows(session, "SELECT kind, occurred_at FROM timeline ORDER BY occurred_at")
    assert kinds == [("order.placed", JANUARY), ("order.cart", FEBRUARY)]


def test_a_changed_order_adds_what_is_new(session: Session) -> None:
    source, first = shop(session), order(anna(), "1")
    say(session, source, first)
    sent = Happening(kind="shipped", at=FEBRUARY, key="shipped")
    lines = (*first.lines, msgspec.structs.replace(first.lines[0], position=2, sku="POT"))
    changed = msgspec.structs.replace(
        first, state="shipped", happenings=(*first.happenings, sent), lines=lines, total=Decimal(200)
    )
    assert say(session, source, changed, landed=2).counts["orders_changed"] == 1
    assert [r.kind for r in rows(session, "SELECT kind FROM timeline ORDER BY id")] == [
        "order.placed",
        "order.paid",
        "order.shipped",
    ]
    assert count(session, "order_lines") == 2
    assert row(session, "SELECT spent, last_seen_at FROM customer_stats") == (Decimal(200), FEBRUARY)


def test_colons_in_ids_are_no_trap(session: Session) -> None:
    one = order(anna(), "a", happenings=(Happening(kind="placed", at=JANUARY, key="b:placed"),))
    two = order(anna(), "a:b", happenings=(Happening(kind="placed", at=JANUARY, key="placed"),))
    say(session, shop(session), one, two)
    assert count(session, "timeline") == 2


def test_an_order_moves_to_its_new_buyer(session: Session) -> None:
    source = shop(session)
    say(session, source, order(dana(guest=True), "1"))
    say(session, source, anna(), order(anna(), "1"))
    mine = row(session, "SELECT id FROM customers WHERE live").id
    assert {r.customer_id for r in rows(session, "SELECT customer_id FROM timeline")} == {mine}
    assert row(session, "SELECT customer_id FROM orders").customer_id == mine
    assert count(session, "profiles WHERE gone_at IS NULL") == 1
    assert count(session, "customer_stats") == 1


def test_a_gone_order_counts_no_more(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), *annas_orders())
    say(session, source, Gone(external_id="A-2", what="order", at=now()))
    assert row(session, "SELECT orders, last_seen_at FROM customer_stats") == (1, JANUARY)
    assert count(session, "timeline WHERE customer_id IS NOT NULL") == 2
    say(session, source, annas_orders()[1])
    assert row(session, "SELECT orders FROM customer_stats").orders == 2
    assert count(session, "timeline WHERE customer_id IS NOT NULL") == 4


def test_a_gone_customer_leaves_no_card(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), boris())
    say(session, source, Gone(external_id="anna", what="person", at=now()))
    assert row(session, "SELECT name FROM customers WHERE live").name == "Boris Weber"
    assert count(session, "customer_stats") == 1
    say(session, source, anna())
    assert count(session, "customers WHERE live") == 2


def test_orders_outlive_their_customer(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), *annas_orders())
    say(session, source, Gone(external_id="anna", what="person", at=now()))
    assert row(session, "SELECT name, live FROM customers") == ("Anna Petrova", True)
    say(session, source, *(Gone(external_id=one.external_id, what="order") for one in annas_orders()))
    assert count(session, "customers WHERE live") == 0
    say(session, source, annas_orders()[0])
    assert count(session, "customers WHERE live") == 1


def test_a_guest_goes_with_the_order(session: Session) -> None:
    source = shop(session)
    say(session, source, order(anna(guest=True), "1"))
    say(session, source, Gone(external_id="1", what="order"))
    assert count(session, "customers WHERE live") + count(session, "profiles WHERE gone_at IS NULL") == 0


def test_a_gone_bridge_parts_its_cards(session: Session) -> None:
    source, file = shop(session), shop(session, "File", "file")
    by_phone = anna(external_id="phone", emails=())
    by_email = anna(external_id="email", phones=())
    say(session, source, by_phone, by_email)
    assert count(session, "customers WHERE live") == 2
    say(session, file, anna(external_id="both"))
    assert count(session, "customers WHERE live") == 1
    say(session, file, Gone(external_id="both", what="person"))
    assert count(session, "customers WHERE live") == 2
    say(session, file, anna(external_id="both"))
    assert count(session, "customers WHERE live") == 1


def test_a_changed_key_can_part_and_join(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(external_id="phone", emails=()), anna(external_id="email", phones=()))
    say(session, source, anna(external_id="both"))
    say(session, source, anna(external_id="both", phones=(), changed_at=now()))
    assert count(session, "customers WHERE live") == 2


def test_products_are_kept_and_marked(session: Session) -> None:
    source, cup = shop(session), Product(external_id="cup", name="Cup", price=Decimal("9.90"), currency="EUR")
    assert say(session, source, cup).counts["products_changed"] == 1
    assert say(session, source, cup).counts["products_changed"] == 0
    say(session, source, msgspec.structs.replace(cup, name="Mug"))
    assert row(session, "SELECT name FROM products").name == "Mug"
    say(session, source, Gone(external_id="cup", what="product"))
    assert count(session, "products WHERE gone_at IS NOT NULL") == 1


def test_the_strictest_consent_stands(session: Session) -> None:
    source, other = shop(session), shop(session, "Other")
    say(session, source, anna())
    assert row(session, "SELECT email_consent FROM customers").email_consent == "given"
    said = msgspec.structs.replace(dana().consents[0], at=FEBRUARY)
    say(session, other, anna(consents=(said,)))
    assert row(session, "SELECT email_consent FROM customers WHERE live").email_consent == "withdrawn"
    say(session, other, anna(consents=(said, msgspec.structs.replace(said, given=True, at=now()))))
    assert row(session, "SELECT email_consent FROM customers WHERE live").email_consent == "given"


def test_zero_characters_do_no_harm(session: Session) -> None:
    say(session, shop(session), anna(name="An\0na \ud800Petrova"), order(anna(), "1", note="a\0b"))
    assert "\0" not in row(session, "SELECT name FROM customers").name


@pytest.mark.parametrize("amount", ["NaN", "Infinity"])
def test_amounts_that_are_no_numbers_are_refused(session: Session, amount: str) -> None:
    with pytest.raises(Permanent, match="payment 1"):
        say(
            session,
            shop(session),
            Payment(external_id="1", customer_id="", currency="EUR", amount=Decimal(amount)),
        )


def test_the_later_word_holds_in_a_batch(session: Session) -> None:
    source = shop(session)
    say(session, source, anna(), Gone(external_id="anna", what="person"), boris(), boris(name="Bob Weber"))
    assert row(session, "SELECT name FROM customers WHERE live").name == "Bob Weber"


def test_two_workers_make_one_card(engine: Engine) -> None:
    with transaction(engine) as session:
        sources = [shop(session, f"Shop {number}").id for number in range(4)]
    start, failures = Barrier(4), []

    def work(source: object) -> None:
        try:
            start.wait()
            for number in range(5):
                with transaction(engine) as session:
                    records = (
                        anna(),
                        order(anna(guest=True), str(number), placed_at=JANUARY + timedelta(number)),
                    )
                    store.apply(session, source, [Resolved(number, now(), records)])
        except Exception as error:
            failures.append(error)

    threads = [Thread(target=work, args=(source,)) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with transaction(engine) as session:
        assert count(session, "customers") == 1
        assert row(session, "SELECT orders, profiles FROM customer_stats") == (20, 24)


def test_aygul_waits_for_a_decision_or_joins(session: Session) -> None:
    say(session, shop(session), anna(), aygul())
    assert count(session, "customers WHERE live") + count(session, "duplicates") in (1, 3)


def test_guest_of_several_orders_keeps_what_was_said_last(session: Session) -> None:
    """Vendure's guests are one profile; their orders may be written in any order."""
    source = shop(session)
    newer, older = (
        order(
            anna(external_id="17", guest=True, phones=(phone,), changed_at=at),
            number,
            customer_id="17",
            changed_at=at,
        )
        for number, phone, at in (("G-2", "+77010000002", FEBRUARY), ("G-1", "+77010000001", JANUARY))
    )
    say(session, source, newer)
    say(session, source, older, landed=9)
    assert row(session, "SELECT phone FROM customers WHERE live").phone == "+77010000002"


def test_awkward_texts_of_an_order_stay_as_they_are(session: Session) -> None:
    """Tabs, newlines and backslashes have a meaning in COPY's text form."""
    awkward = "tab\t line\n return\r back\\slash \\N \\. \\t"
    line = Line(
        position=1, product_id=awkward, sku=awkward, name=awkward, unit_price=Decimal(1), total=Decimal(1)
    )
    said = order(anna(), awkward, external_id="A-1", source_state=awkward, note=awkward, lines=(line,))
    source = shop(session)
    say(session, source, anna(), said)
    found = row(session, "SELECT number, source_state, details ->> 'note' AS note FROM orders")
    assert tuple(found) == (awkward,) * 3
    assert tuple(row(session, "SELECT product_external_id, sku, name FROM order_lines")) == (awkward,) * 3
    assert {r[0] for r in rows(session, "SELECT data ->> 'number' FROM timeline")} == {awkward}
    say(session, source, msgspec.structs.replace(said, note="\\N"))
    assert row(session, "SELECT details ->> 'note' AS note FROM orders").note == "\\N"

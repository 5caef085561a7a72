"""Pages of segments: build with rows, text or JSON, see members and why, put customers on lists."""

import html
import json
import re
from uuid import UUID

import pytest
from hypothesis import given, settings
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from console.pages import segment_count, segment_rows, segment_trees
from customers.segments import jobs, language, lists, printing, store, tree
from customers.segments.tables import Segment
from foundation.database import transaction
from foundation.errors import BadInput
from foundation.tables import Operation
from tests.console import company
from tests.console.conftest import Browser
from tests.console.test_queries import counted
from tests.customers.segments import trees

SAID = 'orders.count(last 90 days) >= 2 and city = "Алматы" and not opened(any letter, last 30 days)'


@pytest.fixture
def ids(engine: Engine) -> dict[str, UUID]:
    return company.found(engine)


def make(engine: Engine, said: str, name: str = "Loyal") -> UUID:
    with transaction(engine) as session:
        return store.make(session, name, language.parse(said), "olga@example.org").id


def follow(engine: Engine) -> None:
    while jobs.follow_segments(engine):
        pass


CONTROLS = re.compile(
    r"<(input|textarea|select)\b([^>]*)>(.*?)(?=<(?:input|textarea|select|button|/form))", re.S
)


def fields(page: str) -> dict[str, str]:
    """What the builder's form holds, as a browser would send it."""
    found = {}
    for name, kind, rest in re.findall(
        r"<(input|textarea|select)\b([^>]*)>(.*?)(?=<(?:input|textarea|select|button|/form))", page, re.S
    ):
        attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', kind))
        if "name" not in attributes or attributes["name"] in ("q", "next"):
            continue
        value = attributes.get("value", "")
        if name == "textarea":
            value = rest.partition("</textarea>")[0]
        elif name == "select":
            options = re.findall(r'<option value="([^"]*)"( selected)?>', rest)
            value = next((one for one, chosen in options if chosen), options[0][0])
        found[attributes["name"]] = html.unescape(value)
    return found


def test_an_empty_house_invites(browser: Browser) -> None:
    assert "No segments yet" in browser.see("/segments")
    assert 'aria-current="page"' in browser.see("/segments").split("/segments")[1]
    assert "Nothing is archived" in browser.see("/segments?show=archived")


def test_text_becomes_rows_and_is_saved(browser: Browser, engine: Engine, ids: dict[str, UUID]) -> None:
    page = browser.see("/segments/new")
    answer = browser.submit(
        "/segments/new", 200, **{**fields(page), "do": "text", "text": SAID, "name": "Loyal"}
    )
    shown = fields(answer.text)
    assert shown["n.0.0.what"] == "orders.count" and shown["n.0.0.value"] == "2"
    assert (shown["n.0.0.period"], shown["n.0.0.amount"]) == ("last", "90")
    assert shown["n.0.1.value"] == "Алматы"
    assert (shown["n.0.2.what"], shown["n.0.2.not"]) == ("opened", "not")
    assert shown["text"] == SAID
    assert (
        browser.submit("/segments/new", **{**shown, "do": "save"})
        .headers["location"]
        .startswith("/segments/")
    )
    with Session(engine) as session:
        segment = session.scalars(select(Segment)).one()
        assert (segment.name, segment.created_by) == ("Loyal", "olga@example.org")
        assert printing.text(store.current(session, segment)) == SAID
    assert "counting" in browser.see("/segments")
    follow(engine)
    listed = browser.see("/segments")
    assert "counting" not in listed and html.escape(SAID, quote=False).replace(
        "&gt;", "&gt;"
    ) in html.unescape(listed).replace(">=", "&gt;=")


@settings(max_examples=150, deadline=None)
@given(trees.TREES)
def test_rows_say_what_the_tree_says(node: tree.Node) -> None:
    try:
        root = segment_trees.of_tree(node)
        again = segment_trees.to_tree(root)
    except BadInput:
        raise AssertionError(printing.text(node)) from None
    if not any(has_line_break(one) for one in tree.conditions(node)):
        assert printing.text(again) == printing.text(tree.simplified(node))


def has_line_break(one: tree.Condition) -> bool:
    """A value that no line of a form can hold."""
    said = tree.to_json(one)
    return "\\n" in said or any(value != value.strip() for value in texts(json.loads(said)))


def texts(data: object) -> list[str]:
    if isinstance(data, dict):
        return [one for value in data.values() for one in texts(value)]
    if isinstance(data, list):
        return [one for value in data for one in texts(value)]
    return [data] if isinstance(data, str) else []


def test_buttons_add_and_remove(browser: Browser, engine: Engine) -> None:
    shown = fields(browser.see("/segments/new"))
    assert [name for name in shown if name.endswith(".what")] == ["n.0.0.what"]
    shown = fields(browser.submit("/segments/new", 200, **{**shown, "do": "row:0"}).text)
    shown = fields(browser.submit("/segments/new", 200, **{**shown, "do": "group:0"}).text)
    assert [n for n in shown if n.endswith(".what")] == ["n.0.0.what", "n.0.1.what", "n.0.2.0.what"]
    assert shown["n.0.2.join"] == "any"
    shown = fields(browser.submit("/segments/new", 200, **{**shown, "do": "remove:0.1"}).text)
    assert [n for n in shown if n.endswith(".what")] == ["n.0.0.what", "n.0.2.0.what"]
    shown |= {"n.0.0.value": "Алматы", "n.0.2.0.what": "ordered", "n.0.2.0.not": "not", "do": "show"}
    shown = fields(browser.submit("/segments/new", 200, **shown).text)
    assert shown["text"] == 'city = "Алматы" and not ordered()'
    shown |= {"n.0.2.0.by.product": "CUP-2", "n.0.2.0.period": "last"}
    shown = fields(browser.submit("/segments/new", 200, **{**shown, "do": "show"}).text)
    assert "n.0.2.0.amount" in shown and shown["text"] == ""  # not finished: nobody is scolded yet
    answer = browser.submit("/segments/new", 422, **{**shown, "do": "save", "name": "A"})
    assert "Say how many days" in answer.text
    assert (
        "n.9.9"
        not in browser.submit("/segments/new", 200, **{**shown, "do": "row:9.9", "n.7.what": "city"}).text
    )


def test_what_is_wrong_is_said_and_kept(browser: Browser, engine: Engine) -> None:
    shown = fields(browser.see("/segments/new"))
    answer = browser.submit("/segments/new", 422, **{**shown, "do": "text", "text": 'citty = "x" <b>'})
    assert "did you mean city" not in answer.text and "can&#39;t stand here" in answer.text
    answer = browser.submit("/segments/new", 422, **{**shown, "do": "text", "text": 'citty = "x"'})
    assert "Say what to compare with" not in answer.text.split('id="count"')[0], "nobody touched the rows"
    assert "line 1, column 1: there is no field citty; did you mean city" in answer.text
    assert fields(answer.text)["text"] == 'citty = "x"'
    answer = browser.submit(
        "/segments/new", 422, **{**shown, "do": "json", "json": '{"type": "and", "parts": []}'}
    )
    assert "without conditions" in answer.text
    answer = browser.submit("/segments/new", 422, **{**shown, "do": "save", "name": ""})
    assert "Say what to compare with" in answer.text
    shown |= {"do": "save"}
    answer = browser.submit("/segments/new", 422, **{**shown, "name": "", "n.0.0.value": "x"})
    assert "needs a name" in answer.text
    answer = browser.submit(
        "/segments/new", 422, **{**shown, "do": "save", "name": "A", "text": 'lists has "V"'}
    )
    assert "there is no list" in answer.text
    with Session(engine) as session:
        assert session.scalars(select(Segment)).all() == []


def test_saving_a_changed_text_keeps_the_text(browser: Browser, engine: Engine) -> None:
    segment = make(engine, 'city = "Berlin"')
    shown = fields(browser.see(f"/segments/{segment}"))
    browser.submit(f"/segments/{segment}", **{**shown, "do": "save", "text": "name is set"})
    with Session(engine) as session:
        row = session.get_one(Segment, segment)
        assert (row.version, printing.text(store.current(session, row))) == (2, "name is set")
    assert "Earlier versions" in browser.see(f"/segments/{segment}")
    older = browser.see(f"/segments/{segment}?from=1")
    assert "You look at version 1" in older and fields(older)["n.0.0.value"] == "Berlin"
    browser.see(f"/segments/{segment}?from=3", 404)
    shown = fields(browser.see(f"/segments/{segment}"))
    browser.submit(f"/segments/{segment}", **{**shown, "do": "save", "name": "Named"})
    with Session(engine) as session:
        assert (session.get_one(Segment, segment).version, session.get_one(Segment, segment).name) == (
            2,
            "Named",
        )


def test_json_becomes_rows(browser: Browser) -> None:
    shown = fields(browser.see("/segments/new"))
    said = tree.to_json(language.parse('tags has "vip" or spent > 1000.5 KZT'))
    shown = fields(browser.submit("/segments/new", 200, **{**shown, "do": "json", "json": said}).text)
    assert shown["n.0.join"] == "any" and shown["n.0.1.currency"] == "KZT"
    assert shown["text"] == 'tags has "vip" or spent > 1000.5 KZT' and shown["json"] == said


def test_the_number_and_some_of_them(
    browser: Browser, engine: Engine, ids: dict[str, UUID], monkeypatch
) -> None:
    shown = fields(browser.see("/segments/new"))
    shown |= {"n.0.0.what": "country", "n.0.0.op": "=", "n.0.0.value": "kz"}
    answer = browser.submit("/segments/count", 200, **shown)
    assert "<b>5</b> customers now" in answer.text and "/customers/" in answer.text
    answer = browser.submit("/segments/count", 200, **{**shown, "n.0.0.value": ""})
    assert "Say what to compare with" in answer.text
    monkeypatch.setattr(segment_count, "PATIENCE", 1)
    slow = "(SELECT c.id AS customer_id FROM customers c, pg_sleep(3))"
    monkeypatch.setattr(store.sql, "select", lambda *_rest: (slow, {}))
    answer = browser.submit("/segments/count", 200, **shown)
    assert "takes longer than" in answer.text
    stranger = browser.post("/segments/count", data={**shown, "csrf": "no"})
    assert stranger.status_code == 403


def test_members_and_why(browser: Browser, engine: Engine, ids: dict[str, UUID]) -> None:
    segment = make(engine, 'country = "KZ" and orders.count() >= 3')
    assert "Members are being found" in browser.see(f"/segments/{segment}/people")
    follow(engine)
    page = browser.see(f"/segments/{segment}/people")
    anna = next(key for name, key in ids.items() if "Юдина" in name)
    berlin = next(key for name, key in ids.items() if "Keller" in name)
    assert f"/segments/{segment}/people/{anna}" in page and str(berlin) not in page
    why = browser.see(f"/segments/{segment}/people/{anna}")
    assert (
        "In since" in why
        and "because “country" in why
        and "; “orders.count() &gt;= 3” holds (" in why
        and "the conditions were made or changed" in why
    )
    why = browser.see(f"/segments/{segment}/people/{berlin}")
    assert "Not in, because “country" in why and "“orders.count() &gt;= 3” doesn" in why
    assert "one of the reasons" in why and "Would be in if this were otherwise" not in why
    near = next(key for name, key in ids.items() if "Айгүл" in name)
    why = browser.see(f"/segments/{segment}/people/{near}")
    assert "Would be in if this were otherwise: “orders.count() &gt;= 3”" in why
    export = browser.get(f"/segments/{segment}/export.csv").text
    assert export.startswith("\ufeffid,name") and "Юдина" in export and "Keller" not in export
    card = browser.see(f"/customers/{anna}?tab=segments")
    assert "Loyal" in card and f"/segments/{segment}/people/{anna}" in card
    browser.see(f"/segments/{segment}/people/{ids['shop']}", 422)
    browser.see(f"/segments/{ids['shop']}", 404)
    browser.see(f"/segments/{segment}/people?before=x", 422)
    browser.submit(f"/segments/{segment}/archive")
    follow(engine)
    assert "Loyal" not in browser.see("/segments")
    assert "Loyal" in browser.see("/segments?show=archived")


def test_a_list_by_hand(browser: Browser, engine: Engine, ids: dict[str, UUID]) -> None:
    browser.see("/segments/new?kind=list")
    assert "1 to 80" in browser.submit("/segments/new", 422, kind="list", name="").text
    at = browser.submit("/segments/new", kind="list", name="VIP").headers["location"]
    assert "Nobody is on it yet" in browser.see(at)
    answer = browser.submit(at, 422, do="add", lines="nobody@example.org\n+7 999 000 00 00")
    assert "Nobody is known by any of these lines" in answer.text
    keller = next(key for name, key in ids.items() if "Keller" in name)
    lines = f"anna.yudina@mail.example\n+90 532 123 45 67\n{keller}\nnobody@example.org\n"
    browser.submit(at, do="add", files={"file": ("vip.txt", lines.encode(), "text/plain")})
    page = browser.see(at)
    assert "3 customers are put on." in page and "1 lines are nobody" in page
    follow(engine)
    page = browser.see(at)
    assert "Keller" in page and "Şahin" in page
    operation = browser.submit(at, do="remove", lines=str(keller)).headers
    assert operation["location"] == at
    follow(engine)
    assert "Keller" not in browser.see(at)
    browser.submit(at, do="add", customer=str(keller))
    follow(engine)
    card = browser.see(f"/customers/{keller}?tab=segments")
    assert "Take off" in card
    with Session(engine) as session:
        query = select(Operation.id).where(Operation.kind == lists.KIND).order_by(Operation.started_at.desc())
        newest = session.scalars(query).first()
    browser.see(f"/operations/{newest}")
    browser.submit(f"/operations/{newest}/undo")
    follow(engine)
    assert "Keller" not in browser.see(at)


def test_strangers_words_stay_words(browser: Browser, engine: Engine, ids: dict[str, UUID]) -> None:
    anna = next(key for name, key in ids.items() if "Юдина" in name)
    evil = "<script>alert(1)</script>"
    segment = make(engine, f'city = "{evil}" or event("{evil}", "{evil}" = "{evil}")', evil)
    for path in (
        "",
        f"/{segment}",
        f"/{segment}/people",
        f"/{segment}/mailings",
        f"/{segment}/people/{anna}",
    ):
        assert evil not in browser.see(f"/segments{path}")


COSTS = {
    "/segments": 3, "/segments/new": 1, "/segments/{id}": 3, "/segments/{id}/people": 3,
    "/segments/{id}/mailings": 3,
}  # fmt: skip


@pytest.mark.parametrize("path", COSTS)
def test_pages_cost_their_queries(browser: Browser, engine: Engine, ids: dict[str, UUID], path: str) -> None:
    for name in ("A", "B", "C"):
        segment = make(engine, 'country = "KZ"', name)
    follow(engine)
    browser.see("/settings")
    with counted(engine) as sent:
        browser.see(path.format(id=segment))
    assert len(sent) <= COSTS[path], sent


def test_rows_of_strangers_are_bounded() -> None:
    form = FormData([(f"n.0.{n}.what", "city") for n in range(999)])
    assert len(segment_rows.read(form).parts) == segment_rows.MOST_PARTS
    deep = FormData([(f"n.{'.'.join(['0'] * n)}.join", "any") for n in range(1, 60)])
    with pytest.raises(BadInput):
        segment_trees.to_tree(segment_rows.read(deep))

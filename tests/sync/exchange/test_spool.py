"""Files in chunks: any cutting, repeats, new beginnings end in the same bytes; names stay in the spool."""

import hashlib
import random
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from foundation.clock import new_id
from foundation.database import transaction
from sync.exchange import spool
from sync.exchange.replies import Refused
from sync.exchange.spool import HEAD, Chunk
from sync.exchange.tables import ExchangeFile, ExchangeImport, ExchangeSession
from tests import onec
from tests.faults import cut_at

BODY = b'<?xml version="1.0"?>' + random.Random(5).randbytes(3_000)


@pytest.fixture
def owner(engine):
    """A session with nothing in it."""
    with transaction(engine) as session:
        made = ExchangeSession(
            connection_id=new_id(), type="catalog", cookie=new_id().bytes, token="t", round=1
        )
        session.add(made)
    return made


@pytest.fixture
def put(engine, settings, owner, tmp_path):
    """Sends a chunk of a file."""

    def send(body, name="import.xml"):
        path = tmp_path / "coming"
        path.write_bytes(body)
        chunk = Chunk(path, len(body), hashlib.blake2b(body, digest_size=16).digest(), body[:HEAD])
        with transaction(engine) as session:
            return spool.append(session, settings, owner, "catalog", name, chunk)

    return send


@pytest.fixture
def held(engine, settings, owner):
    """The bytes of a file as they lie."""

    def read(name="import.xml"):
        with transaction(engine) as session:
            query = select(ExchangeFile).where(ExchangeFile.name == name, ExchangeFile.session_id == owner.id)
            file = session.scalars(query.order_by(ExchangeFile.attempt.desc())).first()
            found = spool.path_of(settings, file).read_bytes()
            assert len(found) == file.size
            return found

    return read


def pieces(body, cuts):
    ends = [*sorted({cut for cut in cuts if 0 < cut < len(body)}), len(body)]
    return [body[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def test_chunks_are_appended_in_their_order(put, held):
    for piece in pieces(BODY, [100, 1500]):
        put(piece)
    assert held() == BODY


def test_a_repeated_chunk_changes_nothing(put, held):
    for piece in pieces(BODY, [100, 1500]):
        put(piece)
        put(piece)
    put(BODY[1500:])
    assert held() == BODY


def test_a_file_sent_anew_starts_over(put, held):
    put(BODY[:700])
    put(BODY[700:900])
    for piece in pieces(BODY, [400, 1500]):
        put(piece)
    assert held() == BODY


def test_other_content_under_the_same_first_chunk(put, held):
    for piece in (BODY[:700], BODY[700:]):
        put(piece)
    for piece in (BODY[:700], b"something else"):
        put(piece)
    assert held() == BODY[:700] + b"something else"


def test_what_a_crash_left_behind_is_cut_off(put, held, settings, engine):
    file = put(BODY[:700])
    with spool.path_of(settings, file).open("ab") as torn:
        torn.write(b"half a chunk that nobody was told of")
    put(BODY[700:])
    assert held() == BODY


def test_a_file_that_is_being_imported_stays_as_it_came(put, held, settings, engine):
    first = put(BODY)
    with transaction(engine) as session:
        session.add(ExchangeImport(connection_id=new_id(), file_id=first.id))
    second = put(b"<?xml other?>")
    assert second.id != first.id and held() == b"<?xml other?>"
    assert spool.path_of(settings, first).read_bytes() == BODY
    assert put(BODY[-10:], "other.xml").name == "other.xml"


def test_more_of_an_imported_file_is_refused(put, engine):
    first = put(BODY)
    with transaction(engine) as session:
        session.add(ExchangeImport(connection_id=new_id(), file_id=first.id))
    with pytest.raises(Refused, match="imported already"):
        put(b"a tail that comes too late")


@given(
    cuts=st.lists(st.integers(1, len(BODY) // 64).map(lambda n: 64 * n), max_size=6),
    seed=st.integers(0, 2**16),
    breaks=st.lists(st.integers(0, 6), max_size=3),
)
def test_any_cutting_with_repeats_is_one_clean_file(cuts, seed, breaks):
    """The rules of `append` on their own, without a database: the same decisions, the same bytes."""
    chance = random.Random(seed)
    asked = []
    for broken in breaks:  # runs that broke off, cut their own way
        asked += pieces(BODY, [chance.randrange(64, len(BODY), 64) for _ in range(3)])[:broken]
    asked += pieces(BODY, cuts)
    asked = [one for one in asked for _ in range(chance.choice((1, 1, 2, 3)))]
    kept, chunks = b"", []
    for one in asked:
        kept, chunks = followed(kept, chunks, one)
    assert kept == BODY


BEGINNINGS = {
    "xml": BODY[:700],
    "zip": onec.packed({"import.xml": BODY})[:700],
    "picture": b"\xff\xd8\xff\xe0" + BODY[100:700],
    "unknown": BODY[100:700],
}
ALIKE = (  # what a later chunk may be: content that repeats, and what looks like a beginning
    b"\0" * 700, BODY[1400:2100], onec.packed({"offers.xml": BODY})[:700], b"\xff\xd8\xff" + BODY[:697],
)  # fmt: skip


@given(
    begins=st.sampled_from(sorted(BEGINNINGS)),
    order=st.lists(st.integers(0, len(ALIKE) - 1), max_size=8),
    breaks=st.lists(st.integers(1, 9), max_size=3),
    seed=st.integers(0, 2**16),
)
def test_content_that_repeats_is_no_repeat(begins, order, breaks, seed):
    """But for what stands side by side: the same chunk again is what 1C sends when no answer reached it."""
    later = [one for place, one in enumerate(order) if not place or order[place - 1] != one]
    whole = [BEGINNINGS[begins], *(ALIKE[one] for one in later)]
    chance = random.Random(seed)
    asked = [one for broken in breaks for one in whole[:broken]] + whole
    kept, chunks = b"", []
    for one in asked:
        for _ in range(chance.choice((1, 1, 2, 3))):
            kept, chunks = followed(kept, chunks, one)
    assert kept == b"".join(whole)


def test_an_archive_made_anew_is_sent_anew(put, held):
    first, second = (onec.packed({"import.xml": one}) for one in (BODY, BODY[::-1]))
    put(first[:700])
    for piece in pieces(second, [700]):
        put(piece)
    assert held() == second


def followed(kept, chunks, body):
    digest = hashlib.blake2b(body, digest_size=16).digest()
    what = spool.judge(chunks, digest, body[:HEAD], kept[:HEAD])
    if what == "known":
        return kept, chunks
    if what == "anew":
        return body, [digest]
    return kept + body, [*chunks, digest]


@pytest.mark.parametrize(("given_name", "kept"), [
    ("import.xml", "import.xml"), (r"C:\v8_8789_c.xml", "v8_8789_c.xml"), ("/tmp/a/b.xml", "tmp/a/b.xml"),
    (r"import_files\01\a.jpg", "import_files/01/a.jpg"), ("./a//b.xml", "a/b.xml"),
    ("товары.xml", "товары.xml"),
])  # fmt: skip
def test_names_become_relative(given_name, kept):
    assert spool.plain_name(given_name) == kept


@pytest.mark.parametrize("name", [
    "../../etc/passwd", r"..\..\boot.ini", "a/../../b", "", "/", ".", "C:", "a\0b", "a\nb", "x" * 241, "a/..",
    r"C:\..\a",
])  # fmt: skip
def test_names_that_try_something_are_refused(name, put):
    with pytest.raises(Refused):
        put(b"<?xml?>", name)


def test_bytes_lie_under_ids_whatever_the_name(put, settings, owner):
    put(BODY, r"C:\Windows\system32\con.xml")
    names = [path.name for path in spool.folder(settings, owner.id).iterdir()]
    assert len(names) == 1 and "." not in names[0]


def test_an_empty_file_is_refused(put):
    with pytest.raises(Refused, match="empty"):
        put(b"")


def test_a_door_that_dies_anywhere_takes_the_chunk_the_next_time(put, held, engine):
    for piece in pieces(BODY, range(300, len(BODY), 300)):
        for number in range(1, 9):
            cut_at(engine, number, partial(put, piece))
        put(piece)
    assert held() == BODY

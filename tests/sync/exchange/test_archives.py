"""Zips: opened only when whole, read without unpacking, and never believed."""

import io
import os
import struct
import zipfile

import pytest

from foundation import jobs
from foundation.errors import BadInput
from sync.exchange import archives
from tests import onec

GOODS = onec.catalogue(range(20))


def test_files_in_a_zip_are_imported_by_their_own_names(base, engine):
    body = onec.packed({"import0_1.xml": GOODS, "offers0_1.xml": onec.offers({1: "5"}), "a/b.jpg": b"x"})
    base.sign_in()
    assert base.send("catalog", "v8_1A76_155ae.zip", body, chunk=500) == b"success"
    for name in ("import0_1.xml", "offers0_1.xml"):
        assert base.ask("catalog", "import", filename=name).startswith(b"progress")
        jobs.run_until_idle(engine)
        assert base.ask("catalog", "import", filename=name).startswith(b"success")


def test_several_zips_make_one_upload(base, engine):
    base.sign_in()
    for number in (1, 2):
        body = onec.packed({f"import0_{number}.xml": onec.catalogue([number])})
        base.send("catalog", f"v8_{number}.zip", body)
    for number in (1, 2):
        base.ask("catalog", "import", filename=f"import0_{number}.xml")
        jobs.run_until_idle(engine)
        assert base.ask("catalog", "import", filename=f"import0_{number}.xml").startswith(b"success")


def test_a_zip_that_is_named_itself_gives_all_its_documents(base, engine):
    base.sign_in()
    base.send("catalog", "v8.zip", onec.packed({"import.xml": GOODS, "offers.xml": onec.offers({1: "5"})}))
    base.ask("catalog", "import", filename="v8.zip")
    jobs.run_until_idle(engine)
    assert base.ask("catalog", "import", filename="v8.zip") == b"success\n20 records read"
    with engine.connect() as db:
        assert db.exec_driver_sql("SELECT count(price) FROM products").scalar_one() == 1


def test_a_zip_that_is_not_whole_says_so_and_can_go_on(base, engine):
    body = onec.packed({"import.xml": GOODS})
    base.sign_in()
    base.ask("catalog", "file", body[:300], filename="v8.zip")
    said = base.ask("catalog", "import", filename="import.xml").decode("utf-8-sig")
    assert said.startswith("failure\nThe archive v8.zip has not come whole (300 bytes)")
    base.ask("catalog", "file", body[300:], filename="v8.zip")
    assert base.ask("catalog", "import", filename="import.xml").startswith(b"progress")


@pytest.mark.parametrize("inner", ["../../import.xml", "/etc/import.xml", r"..\..\import.xml"])
def test_names_inside_that_lead_out_write_nothing(inner, base, engine, settings):
    base.sign_in()
    base.send("catalog", "v8.zip", onec.packed({inner: GOODS}))
    base.ask("catalog", "import", filename="import.xml")
    jobs.run_until_idle(engine)
    everything = [name for _, _, names in os.walk(settings.data.parent) for name in names]
    assert "import.xml" not in everything


def drain(file):
    while file.read(1 << 20):
        pass


def test_a_bomb_is_let_go_of(tmp_path):
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("import.xml", "w") as inside,
    ):
        for _ in range(200):
            inside.write(bytes(1_000_000))
    with pytest.raises(BadInput, match="far more"), archives.opened(path, "import.xml") as opened:
        drain(opened.file)
    assert opened.position() < archives.FREE + archives.RATIO * path.stat().st_size + 2_000_000


def test_a_zip_that_lies_about_sizes_is_counted_all_the_same(tmp_path):
    path = tmp_path / "liar.zip"
    path.write_bytes(onec.packed({"import.xml": bytes(90_000_000)}))
    body = bytearray(path.read_bytes())
    struct.pack_into("<I", body, body.rindex(b"PK\x01\x02") + 24, 100)  # "100 bytes when unpacked"
    path.write_bytes(body)
    with pytest.raises(BadInput), archives.opened(path, "import.xml") as opened:
        drain(opened.file)


def test_a_zip_whose_files_are_one_and_the_same_bytes_is_refused(tmp_path):
    path = tmp_path / "overlapping.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("0.xml", "x" * 1000)
        [one] = archive.infolist()
        for number in range(1, 50):  # further entries of the directory, none of them with bytes of its own
            again = zipfile.ZipInfo(f"{number}.xml")
            again.header_offset, again.CRC = one.header_offset, one.CRC
            again.compress_size, again.file_size = one.compress_size, one.file_size
            archive.filelist.append(again)
            archive.NameToInfo[again.filename] = again
    with pytest.raises(BadInput, match="overlap"):
        archives.members(path)


def test_a_locked_zip_is_refused(tmp_path):
    path = tmp_path / "locked.zip"
    body = bytearray(onec.packed({"import.xml": GOODS}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(mark) + place] |= 1
    path.write_bytes(body)
    with pytest.raises(BadInput), archives.opened(path, "import.xml") as opened:
        opened.file.read()


@pytest.mark.parametrize("torn", [b"", b"PK\x03\x04", b"PK\x03\x04" + bytes(500), os.urandom(300)])
def test_what_is_no_zip_is_refused(torn, tmp_path):
    path = tmp_path / "torn.zip"
    path.write_bytes(torn)
    with pytest.raises(BadInput):
        archives.members(path)


def test_damage_inside_is_told_with_what_it_is(tmp_path):
    path = tmp_path / "damaged.zip"
    body = bytearray(onec.packed({"import.xml": os.urandom(5_000)}))
    body[2_000] ^= 255
    path.write_bytes(body)
    with pytest.raises(BadInput, match="broken"), archives.opened(path, "import.xml") as opened:
        opened.file.read()


def test_reading_goes_through_a_small_window(tmp_path):
    path = tmp_path / "big.zip"
    path.write_bytes(onec.packed({"import.xml": GOODS * 300}))
    with archives.opened(path, "import.xml") as opened:
        assert opened.file.read(10) == GOODS[:10]
        assert opened.position() <= 1 << 17
        assert io.TextIOWrapper(opened.file, "utf-8", "replace").read(1)

"""The end of a full upload: what it did not name is gone, if one can believe it, and comes back as it was."""

import pytest

from foundation import jobs
from tests import onec


@pytest.fixture
def upload(base, imported, engine):
    """A whole upload of goods that ends with deactivate."""

    def run(numbers, *, torn=False):
        base.sign_in()
        body = onec.catalogue(numbers)
        imported("catalog", "import.xml", body[:-400] if torn else body)
        base.ask("catalog", "deactivate", timestamp=base.timestamp)
        base.ask("catalog", "complete")
        jobs.run_until_idle(engine)

    return run


@pytest.fixture
def there(engine):
    """The goods that are not gone, with their prices."""

    def read():
        with engine.connect() as db:
            rows = db.exec_driver_sql("SELECT name, price FROM products WHERE gone_at IS NULL").all()
        return {int(row.name.split()[-1]): row.price for row in rows}

    return read


def test_what_it_did_not_name_is_gone(upload, there):
    upload(range(12))
    upload(range(8))
    assert set(there()) == set(range(8))


def test_what_comes_back_has_what_it_had(upload, there, imported):
    upload(range(12))
    imported("catalog", "offers.xml", onec.offers({10: "990.00"}))
    upload(range(8))
    upload(range(12))
    assert there()[10] == 990


def test_too_much_is_left_to_a_person(upload, there, engine):
    upload(range(40))
    upload([1])
    assert len(there()) == 40
    with engine.connect() as db:
        said = db.exec_driver_sql("SELECT message FROM problems WHERE state = 'open'").scalar_one()
    assert "did not name 39 of 40 goods" in said


def test_an_upload_that_broke_off_takes_nothing_away(upload, there):
    upload(range(12))
    upload(range(8), torn=True)
    assert set(there()) == set(range(12))


def test_goods_of_another_base_stay(upload, there, base, engine, sealer, client):
    upload(range(12))
    _id, other = onec.connect(engine, sealer, client, "Other")
    base.__dict__.update(other.__dict__)
    upload(range(100, 108))
    assert set(there()) == {*range(12), *range(100, 108)}


def test_prices_alone_are_no_full_upload_that_takes_goods_away(base, imported, upload, there, engine):
    upload(range(12))
    base.sign_in()
    imported("catalog", "offers.xml", onec.offers(dict.fromkeys(range(12), "5")))
    base.ask("catalog", "deactivate", timestamp=base.timestamp)
    jobs.run_until_idle(engine)
    assert set(there()) == set(range(12))

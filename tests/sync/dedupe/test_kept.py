"""What is kept ready has a form that outlives the program that wrote it."""

import random
from hashlib import blake2b

from customers.matching import keys
from customers.matching.prepared import prepare
from sync.dedupe import kept
from tests.sync.dedupe.crowd import anybody

WRITTEN = "dbaa2a2c8e1c2600"  # what records and keys come to


def test_form_is_raised_when_records_or_keys_are_written_otherwise() -> None:
    dice, digest = random.Random(7), blake2b(digest_size=8)
    for number in range(500):
        one = prepare(anybody(dice, str(number)))
        digest.update(kept.written(one))
        digest.update(repr(sorted({kept.number(key) for key in keys.keys(one)})).encode())
    found = (kept.FORM, digest.hexdigest())
    assert found == (5, WRITTEN), "raise kept.FORM, so that installations keep everybody anew; then this line"

"""A model of one's own from the terminal: trained, listed, put in use, taken back."""

from msgspec.structs import replace

from customers.matching.model import shipped
from foundation.database import transaction
from kartoteka.terminal import USAGE
from sync.dedupe import models
from tests.console import company


def test_training_says_why_its_result_may_not_be_used(kartoteka, engine):
    company.found(engine)
    answer = kartoteka("dedupe", "train", "--json")
    assert (answer.status, answer.json["version"]) == (0, "own-1")
    assert answer.json["refusal"].startswith("only ") and answer.json["figures"]["records"] > 3
    assert "not to be used: only " in kartoteka("dedupe", "train").text
    assert kartoteka("dedupe", "models", "--use", "own-1", "--json").status == USAGE
    listed = kartoteka("dedupe", "models").text
    assert listed.index("own-2") < listed.index("own-1") < listed.index("In use: shipped.")


def test_version_is_put_in_use_and_undone(kartoteka, engine):
    with transaction(engine) as session:
        models.keep(session, replace(shipped(), automatic=8.0), "bands", "anna", {})
    done = kartoteka("dedupe", "models", "--use", "own-1", "--json").json
    assert kartoteka("dedupe", "models", "--json").json["in_use"] == "own-1"
    kartoteka("undo", done["operation"])
    assert kartoteka("dedupe", "models", "--json").json["in_use"] == "shipped"
    assert kartoteka("dedupe", "models", "--use", "own-1").status == 0
    assert kartoteka("dedupe", "models", "--use", "shipped").status == 0
    assert kartoteka("dedupe", "models", "--json").json["in_use"] == "shipped"

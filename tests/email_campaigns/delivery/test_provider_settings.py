"""What a person fills in for a provider: what can't be right is named, secrets stay with their account."""

import pytest
from sqlalchemy import Engine

from email_campaigns.delivery import senders
from email_campaigns.delivery.transports import kinds, provided
from foundation.database import transaction
from foundation.errors import BadInput, Misconfigured
from foundation.sealing import Sealer
from tests.connectors.mail.letters import VALUES


@pytest.mark.parametrize(
    ("kind", "wrong", "at"),
    [
        ("ses", {"region": "Frankfurt"}, "region"),
        ("ses", {"region": "eu-central-1.evil.example/"}, "region"),
        ("ses", {"secret_key": ""}, "secret_key"),
        ("mailgun", {"domain": "a/../b"}, "domain"),
        ("mailgun", {"region": "mars"}, "region"),
        ("postmark", {"stream": "a/b"}, "stream"),
        ("sendgrid", {"key": "a b"}, "key"),
        ("brevo", {"key": "ключ"}, "key"),
    ],
)
def test_settings_that_cant_be_right_are_named(kind: str, wrong: dict[str, str], at: str) -> None:
    with pytest.raises(BadInput) as error:
        kinds.make(kind, VALUES[kind] | wrong)
    assert error.value.at == at


def test_another_account_needs_its_own_secret(engine: Engine, sealer: Sealer) -> None:
    with transaction(engine) as session:
        row = senders.add_transport(session, sealer, "Far", "ses", VALUES["ses"])
        same = VALUES["ses"] | {"secret_key": "", "configuration_set": "events"}
        senders.change_transport(session, sealer, row, same)
        assert senders.settings_of(sealer, row)["secret_key"] == VALUES["ses"]["secret_key"]
        with pytest.raises(BadInput) as error:
            senders.change_transport(session, sealer, row, {**same, "access_key": "AKIDOTHER"})
    assert error.value.at == "secret_key"


def test_a_process_without_clients_says_so() -> None:
    way = provided.Provided("nobody", {})
    with pytest.raises(Misconfigured, match="without nobody"):
        way.open()

"""A letter that was sent, and the whole application whose doors its links lead to."""

import re
from collections.abc import Iterator
from email import policy
from email.parser import BytesParser

import pytest
from starlette.testclient import TestClient

from email_campaigns import secret, tokens
from foundation.database import transaction
from kartoteka import app as application
from tests.email_campaigns.delivery.conftest import box, house, sealed_context, send, server  # noqa: F401
from tests.email_campaigns.delivery.world import House, person

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture
def app(engine, sealed_context):  # noqa: F811
    return application.make(sealed_context, engine)


@pytest.fixture
def stranger(app) -> Iterator[TestClient]:
    """Somebody's browser, without cookies; redirects are looked at, not followed."""
    with TestClient(
        app, base_url="http://localhost", follow_redirects=False, headers={"user-agent": AGENT}
    ) as client:
        yield client


class Post:
    """Letters as their recipients have them."""

    def __init__(self, house: House, box, send) -> None:  # noqa: F811
        self.house, self._box, self._send = house, box, send

    def sent(self, *people, **options) -> "Post":
        """Send a mailing to these."""
        self.house.people(*(people or (person(1),)))
        self.house.plan(**options)
        self._send()
        return self

    @property
    def delivery(self):
        return self.house.rows()[0]

    def links(self, number: int = 0) -> dict[str, list[str]]:
        """Every link of a letter that was sent, by its kind."""
        message = BytesParser(policy=policy.default).parsebytes(self._box.taken[number].data)
        said = "\n".join(part.get_content() for part in message.iter_parts()) + str(
            message["List-Unsubscribe"]
        )
        found: dict[str, list[str]] = {}
        for path in dict.fromkeys(re.findall(r"https://crm\.shop\.example(/m/[coupv]/[\w-]+)", said)):
            found.setdefault(path[3], []).append(path)
        return found

    def token(self, kind: str, number: int = 0) -> str:
        """A token of the delivery."""
        with transaction(self.house.engine) as session:
            key = secret.token_key(session, self.house.sealer)
        return tokens.write(key, kind, self.house.rows()[number].id)

    def told(self, kind: str) -> list[dict]:
        """The data of timeline rows of a kind."""
        return [
            row.data
            for row in self.house.rows("SELECT data FROM timeline WHERE kind = :kind ORDER BY id", kind=kind)
        ]

    def scopes(self) -> list[tuple[str, str]]:
        """What is suppressed now."""
        query = "SELECT scope, reason FROM suppressions WHERE until IS NULL OR until > now() ORDER BY id"
        return [tuple(row) for row in self.house.rows(query)]

    def consents(self) -> list[tuple]:
        """What the ledger of consents holds besides what the shop said."""
        query = "SELECT channel, purpose, given FROM consents WHERE source_key LIKE 'letter:%' ORDER BY id"
        return [tuple(row) for row in self.house.rows(query)]


@pytest.fixture
def post(house, box, send, clock) -> Post:  # noqa: F811
    return Post(house, box, send)

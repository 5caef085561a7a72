"""A base in memory, answering."""

from collections.abc import Iterator

import pytest
import responses

from tests.connectors.accounting.odata.onec_base import OneCBase


@pytest.fixture
def base() -> Iterator[OneCBase]:
    """An empty base."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        one = OneCBase()
        one.open(mocked)
        yield one

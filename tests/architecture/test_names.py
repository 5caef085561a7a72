"""Our top-level names are plain words: nobody else in the environment may own one of them."""

from importlib.metadata import packages_distributions

import pytest

from tests.architecture.tree import PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_nobody_else_owns_the_name(package):
    assert set(packages_distributions().get(package, ["kartoteka"])) == {"kartoteka"}

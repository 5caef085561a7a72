"""Files and functions stay small enough to be held in the head."""

import pytest

from tests.architecture.tree import functions, name_of, product_files

FILE_LINES, FUNCTION_LINES = 300, 50


@pytest.mark.parametrize("path", product_files(), ids=name_of)
def test_file_fits_the_budget(path):
    assert len(path.read_text("utf-8").splitlines()) <= FILE_LINES


@pytest.mark.parametrize("path", product_files(), ids=name_of)
def test_functions_fit_the_budget(path):
    long = {
        function.name: (function.end_lineno or 0) - function.lineno + 1
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno + 1 > FUNCTION_LINES
    }
    assert not long


def test_functions_are_mostly_short():
    lengths = sorted(
        (function.end_lineno or 0) - function.lineno + 1
        for path in product_files()
        for function in functions(path)
    )
    assert lengths[len(lengths) // 2] <= 12
    assert lengths[len(lengths) * 95 // 100] <= 36

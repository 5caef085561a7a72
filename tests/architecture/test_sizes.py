"""Files and functions stay small enough to be held in the head."""

from tests.architecture.tree import ROOT, functions, offending, product_files

FILE_LINES, FUNCTION_LINES = 300, 50


def test_file_fits_the_budget():
    measured = (*product_files(), *(ROOT / "benchmarks").glob("*.py"))
    assert not offending(lambda path: len(path.read_text("utf-8").splitlines()) > FILE_LINES, measured)


def test_functions_fit_the_budget():
    assert not offending(long)


def long(path):
    return {
        function.name: (function.end_lineno or 0) - function.lineno + 1
        for function in functions(path)
        if (function.end_lineno or 0) - function.lineno + 1 > FUNCTION_LINES
    }


def test_functions_are_mostly_short():
    lengths = sorted(
        (function.end_lineno or 0) - function.lineno + 1
        for path in product_files()
        for function in functions(path)
    )
    assert lengths[len(lengths) // 2] <= 12
    assert lengths[len(lengths) * 95 // 100] <= 36

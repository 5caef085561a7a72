"""Reading workbooks (XLSX, XLS, ODS). They are held in memory whole: what is too big is refused unopened."""

import datetime
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import python_calamine

from connectors.files.delimited import Row
from foundation.errors import BadInput

LARGEST_FILE = 100_000_000
LARGEST_CONTENT = 400_000_000
MOST_ENTRIES = 5_000
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


def is_workbook(start: bytes) -> bool:
    """True for a zip archive or an old Office file, by the first bytes."""
    return start.startswith((b"PK\x03\x04", _OLD_OFFICE))


class Workbook:
    """The first sheet of a workbook that has anything in it."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        if path.stat().st_size > LARGEST_FILE:
            raise BadInput("the workbook is larger than 100 MB; save it as CSV", path.name)
        with path.open("rb") as file:
            if not file.read(4).startswith(_OLD_OFFICE):
                _check_archive(path)
        self._sheet, self.sheet = self._open(path)
        start = self._sheet.start
        self.height: int = self._sheet.height
        self._first: int = start[0] if start else 0

    def rows(self, skip: int = 0) -> Iterator[Row]:
        """Rows with their numbers in the sheet; `skip` leaves out those up to a row number."""
        for number, cells in enumerate(self._sheet.iter_rows(), 1):
            if number > skip:
                yield Row(number, [text_of(cell) for cell in cells], number, number)

    def _open(self, path: Path) -> tuple[Any, str]:
        try:
            book = python_calamine.CalamineWorkbook.from_path(str(path))
            seen = [
                m.name for m in book.sheets_metadata if m.visible == python_calamine.SheetVisibleEnum.Visible
            ]
            for name in seen or book.sheet_names:
                sheet = book.get_sheet_by_name(name)
                if sheet.height:
                    return sheet, name
        except python_calamine.PasswordError as error:
            raise BadInput("the workbook is locked with a password", path.name) from error
        except (python_calamine.CalamineError, ValueError, OSError) as error:
            raise BadInput(f"this is no workbook that can be read ({error})", path.name) from error
        raise BadInput("the workbook has no rows", path.name)


def text_of(cell: Any) -> str:
    """A cell as text: whole numbers without a fraction, so that phones stay digits; dates in ISO 8601."""
    if isinstance(cell, str):
        return cell.replace("\0", "")
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime.datetime):
        midnight = cell.time() == datetime.time()
        return cell.date().isoformat() if midnight else cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    return "" if cell is None else str(cell)


def _check_archive(path: Path) -> None:
    """BadInput for archives that unpack to more than memory should hold, before anything reads them."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            if len(entries) > MOST_ENTRIES:
                raise BadInput(f"the workbook has more than {MOST_ENTRIES:,} parts", path.name)
            if sum(entry.file_size for entry in entries) > LARGEST_CONTENT:
                raise BadInput("the workbook unpacks to more than 400 MB; save it as CSV", path.name)
            if any(entry.flag_bits & 1 for entry in entries):
                raise BadInput("the workbook is locked with a password", path.name)
            names = {entry.filename for entry in entries}
            if len(names) < len(entries):
                raise BadInput("the workbook has two parts of one name", path.name)
            if not any(n.startswith("xl/") or n == "content.xml" for n in names):
                raise BadInput("this archive is no workbook", path.name)
            for entry in entries:  # sizes in the directory may lie; reading stops at them and then finds out
                with archive.open(entry) as part:
                    while part.read(1 << 20):
                        pass
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, RuntimeError) as error:
        raise BadInput(f"the workbook is damaged ({error})", path.name) from error
    except zipfile.zlib.error as error:  # type: ignore[attr-defined]
        raise BadInput(f"the workbook is damaged ({error})", path.name) from error

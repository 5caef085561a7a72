"""The import wizard: a file, its columns, the plan, the run; and the bad rows to download."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from connectors.files.columns import as_mapping
from connectors.files.headings import FIELDS
from connectors.files.preview import Preview, preview
from connectors.files.settings import SheetSettings
from console.pages.connections import sealer_of
from console.templating import link
from console.web import Call, as_id
from customers.tables import Source
from foundation.clock import new_id, now
from foundation.errors import BadInput, KartotekaError
from foundation.tables import Operation
from foundation.text import _
from sync import imports, plans

OPTIONS = ("encoding", "delimiter", "dates", "decimal", "country", "currency", "zone")
KEPT_FOR = 24 * 3600  # seconds an upload waits for its import


def _waiting(call: Call) -> Path:
    """Where uploads wait until their import begins."""
    return call.settings.data / "uploads" / "waiting"


def choose(call: Call, status: int = 200, wrong: dict[str, str] | None = None) -> Response:
    """Which file, what it holds, and where it belongs."""
    names = call.db.scalars(
        select(Source.name)
        .where(Source.kind == plans.FILE_KIND, Source.removed_at.is_(None))
        .order_by(Source.name)
    )
    return call.page(
        "import_choose.html",
        status,
        names=list(names),
        kinds=[(key, _(key.capitalize())) for key in FIELDS],
        wrong=wrong or {},
        typed={"what": call.text("what", 20), "name": call.text("name", 80)},
    )


def upload(call: Call) -> Response:
    """Keep the file for the next steps."""
    what, name = call.text("what", 20), call.text("name", 80)
    if what not in FIELDS:
        return choose(call, 422, {"what": _("Choose what the file holds.")})
    if not name:
        return choose(call, 422, {"name": _("Say where the file comes from.")})
    try:
        file = call.upload("file")
    except BadInput as error:
        return choose(call, 422, {"file": error.message})
    _forget_old(_waiting(call))
    token = new_id()
    shown = Path(file.filename or "file").name[:120]
    suffix = Path(shown).suffix.lower()
    folder = _waiting(call) / str(token)
    folder.mkdir(parents=True, mode=0o700)
    with (folder / f"upload{suffix if suffix[1:].isalnum() else ''}").open("wb") as kept:
        shutil.copyfileobj(file.file, kept, 1 << 20)
    return call.go(link(f"/imports/{token}", what=what, name=name, file=shown))


def _forget_old(folder: Path) -> None:
    """Uploads nobody imported within a day go."""
    if not folder.is_dir():
        return
    for one in folder.iterdir():
        if one.is_dir() and now().timestamp() - one.stat().st_mtime > KEPT_FOR:
            shutil.rmtree(one, ignore_errors=True)


def _file(call: Call) -> Path:
    """The waiting file of the address; 404 when it is gone."""
    folder = _waiting(call) / str(call.id())
    found = next(folder.glob("upload*"), None) if folder.is_dir() else None
    if found is None:
        raise HTTPException(404, _("The uploaded file is no longer here. Upload it again."))
    return found


def _asked(call: Call) -> dict[str, str]:
    """What the address says about the file."""
    found = {name: call.query(name, 120) for name in ("what", "name", "file", *OPTIONS)}
    if found["what"] not in FIELDS:
        raise HTTPException(404)
    return found


def columns(call: Call) -> Response:
    """How the file would be read: guessed columns to correct, and its first rows."""
    path, asked = _file(call), _asked(call)
    call.db.commit()  # reading a large file takes long; no transaction waits for it
    seen = preview(path, asked["what"], encoding=asked["encoding"], delimiter=asked["delimiter"])
    return call.page(
        "import_columns.html",
        asked=asked,
        seen=seen,
        mapping=_mapping(call, seen),
        fields=list(FIELDS[asked["what"]]),
        options=[field for field in _option_fields() if field[0] not in ("encoding", "delimiter")],
    )


def _mapping(call: Call, seen: Preview) -> dict[str, str]:
    """Heading -> our field: as the address says, else as guessed."""
    said = [one.partition("\t") for one in call.request.query_params.getlist("column")]
    if said:
        return {heading: field for field, _tab, heading in said if field}
    return {heading: field for field, heading in as_mapping(seen.mapping).items()}


def _option_fields() -> list[tuple[str, str, str, tuple[tuple[str, str], ...]]]:
    """Name, label, help and choices of what can be said about a file's habits."""
    marks = SheetSettings.__dataclass_fields__
    return [
        (name, marks[name].metadata["label"], marks[name].metadata["help"], marks[name].metadata["choices"])
        for name in OPTIONS
    ]


def plan(call: Call) -> Response:
    """What the import would do, before anything is done."""
    path, asked = _file(call), _asked(call)
    options = _options(call)
    known = _known_connection(call, asked["name"])
    call.db.commit()  # reading a large file takes long; no transaction waits for it
    try:
        planned = plans.plan(call.engine, known, path, asked["what"], options)
    except KartotekaError as error:
        return call.page("import_refused.html", 422, asked=asked, refused=str(error), back=_back(call))
    return call.page("import_plan.html", plan=planned, asked=asked, sides=_sides, back=_back(call))


def _sides(sample: plans.Sample) -> list[tuple[str, str, str]]:
    """A sample field by field: its name, what is here, what would come."""
    before, after = _fields(sample.before), _fields(sample.payload)
    return [(name, before.get(name, ""), after.get(name, "")) for name in {**after, **before}]


def _fields(payload: str | None) -> dict[str, str]:
    """What a landed record says, as text; lines of orders are counted, not shown."""
    if not payload:
        return {}
    record = json.loads(payload)
    flat = {**record, **record.get("fields", {})}
    return {key: str(value)[:200] for key, value in flat.items() if not isinstance(value, dict | list)}


def _back(call: Call) -> str:
    return f"/imports/{call.id()}?{call.request.url.query}"


def _options(call: Call) -> dict[str, Any]:
    """The options the connector takes, from the address."""
    options: dict[str, Any] = {name: call.query(name, 60) for name in OPTIONS if call.query(name, 60)}
    mapping = {}
    for one in call.request.query_params.getlist("column")[:300]:
        field, _tab, heading = one.partition("\t")
        if field and heading:
            mapping[field] = heading
    return options | ({"mapping": mapping} if mapping else {})


def _known_connection(call: Call, name: str) -> UUID | None:
    return call.db.scalar(select(Source.id).where(Source.name == name, Source.kind == plans.FILE_KIND))


def start(call: Call) -> Response:
    """Import in the background; the run's page tells how it goes."""
    path, asked = _file(call), _asked(call)
    connection = imports.connection_for(call.db, sealer_of(call), asked["name"])
    run = imports.start(
        call.db,
        call.settings,
        connection.id,
        path,
        asked["what"],
        call.actor,
        options=_options(call),
        name=asked["file"] or path.name,
        plan_hash=call.text("hash", 64) or None,
        move=True,
    )
    return call.go(f"/runs/{run.id}")


def bad_rows(call: Call) -> Response:
    """The rows that could not be used, with their reasons, as CSV."""
    operation = call.db.get(Operation, as_id(call.request.path_params["id"]))
    if operation is None:
        raise HTTPException(404)
    return StreamingResponse(
        _bad_rows(call.engine, operation.id),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="bad-rows.csv"'},
    )


def _bad_rows(engine: Engine, operation: UUID) -> Iterator[str]:
    with Session(engine) as db:
        yield "\ufeff"
        yield from imports.bad_rows_csv(db, operation)

"""The calls to one published base. One at a time: each is a session of 1C and may take a licence."""

import base64
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from connectors.accounting.odata import faults
from connectors.http import Http
from connectors.replies import Reply
from foundation.errors import Misconfigured, Permanent, Temporary

Thing = dict[str, Any]

SOME = 20  # references in one address: web servers take about two thousand characters
_READ = (200, 400, 401, 403, 404, 405, 406, 409, 412, 500, 501)
_WRITTEN = (*_READ, 201, 204)
_KEPT = "$,()'*/=-_.~:"
_encoder = msgspec.json.Encoder(decimal_format="number")


class Base:
    """Entities of a base: lists, single objects, writing."""

    def __init__(self, http: Http) -> None:
        self._http = http

    def names(self) -> frozenset[str]:
        """The entities that are published."""
        said = self._json(self._call("GET", _address("")), "")
        rows = said.get("value")
        found = frozenset(
            str(r["name"]) for r in rows or () if isinstance(r, dict) and isinstance(r.get("name"), str)
        )
        if not isinstance(rows, list):
            raise Temporary(f"{self._http.host} answers with something that is no list of entities.")
        if not found:
            raise Misconfigured(
                "The set of the OData interface is empty. Add the objects to it: “Администрирование → "
                "Синхронизация данных → Настройка автоматического REST-сервиса → Состав”.",
                "address",
            )
        return found

    def metadata(self) -> bytes:
        """The description of the base as XML, 15 MB for a full one."""
        reply = self._http.request("GET", "$metadata", headers={"Accept": "application/xml"}, allow=_READ)
        if reply.status != 200:
            raise faults.fault(reply)
        if b"edmx" not in reply.body[:1000].lower():
            raise faults.page(reply.host)
        return reply.body

    def rows(
        self, entity: str, *, top: int, skip: int = 0, select: str = "", where: str = "", order: str = "",
        expand: str = "",
    ) -> list[Any]:  # fmt: skip
        """One page of a list."""
        options = {
            "$filter": where, "$orderby": order, "$select": select, "$expand": expand,
            "$skip": str(skip) if skip else "", "$top": str(top),
        }  # fmt: skip
        said = self._json(self._call("GET", _address(entity, **options), entity), entity)
        rows = said.get("value")
        if not isinstance(rows, list):
            raise Temporary(f"{self._http.host} answers for {entity} with something that is no list.")
        return rows

    def walk(
        self, entity: str, *, top: int, order: Sequence[str], select: str = "", where: str = "",
        expand: str = "",
    ) -> Iterator[list[Any]]:  # fmt: skip
        """All pages of a list. The last is an empty one: a page cut short by a gateway is no end."""
        skip, before, total_order = 0, None, ",".join((*order, "Ref_Key"))
        while rows := self.rows(
            entity, top=top, skip=skip, order=total_order, select=select, where=where, expand=expand
        ):
            if rows == before:
                raise Permanent(
                    f"{self._http.host} keeps sending the same page of {entity}: it ignores $skip."
                )
            yield rows
            before, skip = rows, skip + len(rows)

    def by_refs(self, entity: str, refs: Sequence[str], expand: str = "") -> Iterator[list[Any]]:
        """Objects by reference."""
        for start in range(0, len(refs), SOME):
            some = refs[start : start + SOME]
            where = " or ".join(f"Ref_Key eq guid'{ref}'" for ref in some)
            yield self.rows(entity, top=len(some), where=where, expand=expand)

    def count(self, entity: str) -> int | None:
        """How many rows an entity has; None where the base doesn't say."""
        reply = self._http.get(f"{quote(entity)}/$count", allow=_READ)
        said = reply.text.strip()
        return int(said) if reply.status == 200 and said.isascii() and said.isdigit() else None

    def create(self, entity: str, body: Thing) -> Thing:
        """Make an object. Never repeated by itself: whoever repeats looks for the object first."""
        return self._json(self._write("POST", _address(entity), entity, body), entity)

    def change(self, entity: str, ref: str, body: Thing, version: str) -> None:
        """Change the given fields, if the object is still that version; raises Overtaken."""
        self._write("PATCH", _address(_single(entity, ref)), entity, body, version)

    def post(self, entity: str, ref: str) -> None:
        """Post a document."""
        address = f"{_quoted(_single(entity, ref))}/Post?PostingModeOperational=false&$format=json"
        self._write("POST", address, entity, None)

    def _call(self, method: str, address: str, entity: str = "") -> Reply:
        reply = self._http.request(method, address, allow=_READ)
        if reply.status != 200:
            raise faults.fault(reply, entity)
        return reply

    def _write(self, method: str, address: str, entity: str, body: Thing | None, version: str = "") -> Reply:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if version:
            headers["If-Match"] = version
        data = b"" if body is None else _encoder.encode(body)
        reply = self._http.request(method, address, data=data, headers=headers, allow=_WRITTEN)
        if reply.status not in (200, 201, 204):
            raise faults.fault(reply, entity, writing=True)
        return reply

    @staticmethod
    def _json(reply: Reply, entity: str) -> Thing:
        """The object that came; a page of HTML may come with 200."""
        if reply.is_page:
            raise faults.page(reply.host)
        said = reply.json()
        if not isinstance(said, dict):
            raise Temporary(
                f"{reply.host} answers for {entity or 'the base'} with something that is no object."
            )
        return said


def base_address(address: str) -> str:
    """The interface's address from whatever of the publication's address was pasted."""
    said = address.strip()
    parts = urlsplit(said if "://" in said else f"https://{said}")
    if not parts.hostname:
        raise Misconfigured("The address of the publication is missing.", "address")
    path = parts.path.partition("/odata")[0].rstrip("/")
    for screen in ("/ru", "/ru_RU", "/en", "/en_US"):  # where a browser is sent to
        path = path.removesuffix(screen)
    return f"{parts.scheme}://{parts.netloc}{quote(path, safe='/%')}/odata/standard.odata/"


def sign_in(user: str, password: str) -> dict[str, str]:
    """The header of Basic: names in 1C are Cyrillic, so it is UTF-8."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def quoted(value: str) -> str:
    """A string literal of a filter."""
    return "'" + value.replace("'", "''") + "'"


def _single(entity: str, ref: str) -> str:
    return f"{entity}(guid'{ref}')"


def _quoted(said: str) -> str:
    return quote(said, safe=_KEPT)


def _address(path: str, **options: str) -> str:
    """A relative address; blanks as %20, for 1C reads a plus as a plus."""
    given: Iterable[tuple[str, str]] = [*((n, v) for n, v in options.items() if v), ("$format", "json")]
    return f"{_quoted(path)}?" + "&".join(f"{name}={_quoted(value)}" for name, value in given)

"""The description of the API for machines, made from its endpoints; nothing in it is written by hand."""

from functools import cache
from typing import Any

import msgspec

from console.api.asking import Endpoint, Param
from console.api.endpoints import ENDPOINTS

TYPES = {
    "text": {"type": "string", "maxLength": 1000},
    "id": {"type": "string", "format": "uuid"},
    "time": {"type": "string", "format": "date-time"},
    "number": {"type": "integer", "minimum": 1, "maximum": 200},
}
PROBLEM = {
    "description": "A problem body (RFC 9457).",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ProblemBody"}}},
}
LATER = {202: "It goes on in the background: its state now; `Location` says where to look for the end."}
PROBLEM_BODY = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["at", "message"],
                "properties": {"at": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


@cache
def describe() -> dict[str, Any]:
    """The whole description (OpenAPI 3.1)."""
    shapes = [one.answers for one in ENDPOINTS] + [one.body for one in ENDPOINTS if one.body]
    references, components = msgspec.json.schema_components(
        shapes, ref_template="#/components/schemas/{name}"
    )
    answers = dict(zip([id(one) for one in ENDPOINTS], references, strict=False))
    bodies = dict(zip([id(one) for one in ENDPOINTS if one.body], references[len(ENDPOINTS) :], strict=True))
    paths: dict[str, Any] = {}
    for one in ENDPOINTS:
        entry = operation(one, answers[id(one)], bodies.get(id(one)))
        paths.setdefault(one.path, {})[one.method.lower()] = entry
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kartoteka", "version": "1", "license": {"name": "AGPL-3.0-or-later"}},
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**components, "ProblemBody": PROBLEM_BODY},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def operation(one: Endpoint, answers: dict[str, Any], body: dict[str, Any] | None) -> dict[str, Any]:
    """One endpoint."""
    later = LATER if one.later or one.status in LATER else {}
    described: dict[str, Any] = {
        "operationId": one.handler.__name__,
        "summary": one.summary,
        "description": f"Needs the scope `{one.scope}`.",
        "parameters": [in_path(part) for part in one.path.split("/") if part.startswith("{")]
        + [in_query(param) for param in one.params],
        "responses": {
            **{
                str(status): {
                    "description": said,
                    "content": {"application/json": {"schema": answers}},
                }
                for status, said in ({one.status: "As described."} | later).items()
            },
            **dict.fromkeys(problems_of(one), PROBLEM),
        },
    }
    if one.method == "POST":
        described["parameters"].append(
            {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 200}}
        )
    if body:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return described


def problems_of(one: Endpoint) -> list[str]:
    """Which problems an endpoint can answer."""
    codes = ["400", "401", "403", "503"]
    codes += ["404"] if "{" in one.path else []
    codes += ["409", "413", "422"] if one.method == "POST" else []
    return sorted(codes)


def in_path(part: str) -> dict[str, Any]:
    """A part of the path."""
    return {"name": part.strip("{}"), "in": "path", "required": True, "schema": {"type": "string"}}


def in_query(param: Param) -> dict[str, Any]:
    """A query parameter."""
    schema = {"type": "string", "enum": list(param.choices)} if param.kind == "choice" else TYPES[param.kind]
    return {"name": param.name, "in": "query", "description": param.help, "schema": schema}

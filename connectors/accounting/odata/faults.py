"""What 1C's refusals mean: its code and sentence, and what a person has to switch on."""

import re
from typing import Any

from connectors.base import Overtaken
from connectors.replies import Reply
from foundation.errors import BadInput, KartotekaError, Misconfigured, Permanent, Temporary

RIGHTS, NO_ENTITY, NO_OBJECT, NO_PROPERTY, EXISTS = "20", "8", "9", "10", "15"
_ATOM = re.compile(r"<(?:\w+:)?(code|message)\b[^>]{0,100}>([^<]{0,2000})<")


def complaint(reply: Reply) -> tuple[str, str]:
    """The code and sentence of an error body in whichever of its three shapes; empty when it has none."""
    if reply.is_page:
        found = dict(_ATOM.findall(reply.text[:20_000]))
        return found.get("code", ""), _line(found.get("message"))
    try:
        said = reply.json()
    except KartotekaError:
        return "", ""
    error = (said.get("odata.error") or said.get("error")) if isinstance(said, dict) else None
    if isinstance(error, dict):
        message = error.get("message")
        return str(error.get("code", "")), _line(
            message.get("value") if isinstance(message, dict) else message
        )
    return "", _line(error)


def fault(reply: Reply, entity: str = "", *, writing: bool = False) -> KartotekaError | Overtaken:
    """The error that an answer amounts to."""
    code, sentence = complaint(reply)
    said = f" 1C says: “{sentence}”." if sentence else ""
    what = entity or "the interface"
    if reply.status == 412:
        return Overtaken(f"{what} has changed in 1C meanwhile.")
    if reply.status in (401, 403):
        return _refused(reply.host, what, code, said, writing=writing)
    if (reply.status == 404 and code != NO_OBJECT) or code == NO_ENTITY:
        return _missing(reply.host, entity, said)
    if code == NO_PROPERTY:
        return Misconfigured(f"{what} has another set of fields than the mapping names.{said}", "mapping")
    if reply.status == 501:
        return Permanent(f"{what} has fields that 1C can't hand out by OData.{said}")
    if reply.status >= 500:
        return _trouble(reply, what, sentence, said, writing=writing)
    if writing:
        return BadInput(sentence or f"1C answers {reply.status}", entity)
    return Permanent(f"1C refuses the request to {what} ({reply.status}, code {code or 'unknown'}).{said}")


def page(host: str) -> Temporary:
    """A web page came where data was asked for."""
    return Temporary(
        f"{host} answers with a web page instead of data. 1C does that when it doesn't take the sign-in, "
        "when the base is being updated, or when the web server shows its own page."
    )


def _refused(host: str, what: str, code: str, said: str, *, writing: bool) -> Misconfigured:
    if code == RIGHTS or "прав" in said.lower() or "rights" in said.lower():
        act = "write" if writing else "read all of"
        return Misconfigured(
            f"The user may not {act} {what}. Give them the profile with “Удалённый доступ OData” and the "
            f"right to it without a limit on rows.{said}",
            "user",
        )
    return Misconfigured(
        f"{host} refuses the sign-in. The user needs “Аутентификация 1С:Предприятия” and a password of the "
        f"base; clouds such as 1С:Фреш want the account of the cloud.{said}",
        "user",
    )


def _missing(host: str, entity: str, said: str) -> Misconfigured:
    if entity:
        return Misconfigured(
            f"{entity} isn't published: add it to the set of the OData interface (“Состав стандартного "
            f"интерфейса OData”).{said}",
            "mapping",
        )
    return Misconfigured(
        f"There is no OData interface at this address of {host}. Publish the base on the web server with "
        f"“Публиковать стандартный интерфейс OData” ticked, and enter the publication's address.{said}",
        "address",
    )


def _trouble(reply: Reply, what: str, sentence: str, said: str, *, writing: bool) -> KartotekaError:
    """A 5xx with a sentence is a rule of the base; a lock passes, and so does trouble without a sentence."""
    if sentence and writing and "блокиров" not in sentence.lower():
        return BadInput(sentence, what)
    if sentence:
        return Temporary(f"1C couldn't answer for {what}.{said}")
    return Temporary(
        f"{reply.host} is in trouble ({reply.status}). With a base in files, the web server's user needs the "
        "right to change its folder."
    )


def _line(value: Any) -> str:
    return " ".join(value.split())[:300] if isinstance(value, str) else ""

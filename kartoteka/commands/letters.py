"""Letters from the terminal: list them, read one as a customer gets it, check it before it is sent."""

from pathlib import Path
from typing import Any
from uuid import UUID

import click

from kartoteka.terminal import WITH_PROBLEMS, data_option, json_option, say, table


@click.group("letter")
def letter_command() -> None:
    """Letters that mailings and triggers send."""


@letter_command.command("list")
@click.option("--archived", is_flag=True, help="Those put away instead.")
@click.option("--after", type=click.UUID, metavar="CURSOR", help="Go on behind this, the `next` of a page.")
@click.option("--limit", type=click.IntRange(1, 500), default=50, help="How many; 50 by itself.")
@data_option
@json_option
def letter_list(archived: bool, after: UUID | None, limit: int, data: Path | None, as_json: bool) -> None:
    """List the letters, the newest first."""
    from email_campaigns.letters import store
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        rows, older = store.page(session, after, limit, archived)
    listed = [row._asdict() for row in rows]
    shown = [
        (one.name, one.purpose, ", ".join(one.languages), one.number, one.changed_at, one.id) for one in rows
    ]
    headers = ("NAME", "PURPOSE", "LANGUAGES", "VERSION", "CHANGED", "ID")
    text = table(headers, shown, "No letters yet: they are made in the console.")
    say({"data": listed, "next": older}, as_json, f"{text}\nMore: --after {older}" if older else text)


@letter_command.command("show")
@click.argument("letter", type=click.UUID)
@click.option("--version", "number", type=click.IntRange(1), help="Of this number; the newest by itself.")
@click.option("--language", default="", help="As people of this language get it; the letter's own by itself.")
@click.option(
    "--as",
    "customer",
    type=click.UUID,
    metavar="CUSTOMER",
    help="As this customer gets it; an invented one otherwise.",
)
@data_option
@json_option
def letter_show(
    letter: UUID, number: int | None, language: str, customer: UUID | None, data: Path | None, as_json: bool
) -> None:
    """Show a letter as somebody gets it: the text part, or both parts with --json."""
    from email_campaigns.letters import catalogue, render, variables
    from foundation import clock
    from foundation.database import transaction
    from foundation.errors import BadInput
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row, version = _version(session, letter, number)
        context = catalogue.example()
        if customer is not None:
            known = variables.contexts(session, [customer], clock.now(), version).get(customer)
            if known is None:
                raise BadInput(f"There is no customer {customer}.", "as")
            context = {"links": context["links"]} | known
        else:
            context["products"] = variables.products(session, version.skus)
            language = language or row.language
        language = language or context.get("customer", {}).get("language", "")
        made = render.render(version, language, context)
    result: dict[str, Any] = {
        "letter": letter,
        "version": row.id,
        "number": row.number,
        "languages": version.languages,
    }
    say(result | made._asdict(), as_json, f"Subject: {made.subject}\n\n{made.text}")


@letter_command.command("check")
@click.argument("letter", type=click.UUID)
@click.option("--version", "number", type=click.IntRange(1), help="Of this number; the newest by itself.")
@click.option("--trigger", is_flag=True, help="A trigger sends it: it knows more variables than a mailing.")
@click.option(
    "--try",
    "tried",
    type=click.IntRange(0, 1000),
    default=20,
    help="With so many of the newest customers; 20 by itself.",
)
@click.option("--spam", is_flag=True, help="Ask SpamAssassin too, where it is installed.")
@data_option
@json_option
def letter_check(
    letter: UUID, number: int | None, trigger: bool, tried: int, spam: bool, data: Path | None, as_json: bool
) -> None:
    """Say what is wrong with a letter; leaves with 3 when something forbids sending it."""
    from email_campaigns.letters import checks, store
    from foundation.database import transaction
    from kartoteka import installation

    with installation.opened(data) as found, transaction(found.engine) as session:
        row, version = _version(session, letter, number)
        kept = store.find(session, letter)
        people = checks.newest_people(session, tried)
        findings = checks.of(session, kept, row.id, people, trigger)
        opinion = _opinion(version) if spam else None
    errors = sum(one.level == "error" for one in findings)
    result = {"letter": letter, "number": row.number, "tried": len(people), "errors": errors,
              "findings": [one._asdict() for one in findings], "spam": opinion}  # fmt: skip
    lines = [f"{one.level}{f' [{one.language}]' if one.language else ''}: {one.message}" for one in findings]
    if opinion:
        lines.append(opinion["said"])
    say(result, as_json, "\n".join(lines) or "Nothing to mend.")
    if errors:
        click.get_current_context().exit(WITH_PROBLEMS)


def _version(session: Any, letter: UUID, number: int | None) -> tuple[Any, Any]:
    """The stored version and the same ready to be filled in."""
    from email_campaigns.letters import store
    from foundation.errors import BadInput

    store.find(session, letter)
    row = store.numbered(session, letter, number) if number else store.newest(session, letter)
    if row is None:
        raise BadInput("This letter has no such version.", "version")
    return row, store.version(session, row.id)


def _opinion(version: Any) -> dict[str, Any]:
    """What SpamAssassin says of the letter as the invented customer gets it."""
    from email_campaigns.letters import catalogue, render
    from email_campaigns.letters import spam as spam_score

    said = spam_score.opinion(render.render(version, version.language, catalogue.example()))
    if isinstance(said, str):
        return {"score": None, "said": said}
    words = f"SpamAssassin gives it {said.score} of the {said.limit} points that make a letter spam."
    return {"score": said.score, "limit": said.limit, "rules": said.rules, "said": words}

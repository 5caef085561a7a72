"""The command line: one group whose commands are loaded only when they are called."""

import importlib
from typing import Any, NoReturn

import click

from foundation.errors import BadInput, KartotekaError
from kartoteka.terminal import FAILED, USAGE, to_json

# name -> (module under kartoteka.commands, what it is for); `--help` is written from this alone.
COMMANDS = {
    "up": ("up", "Everything in one terminal: servers, web, worker and beat."),
    "demo": ("demo", "A throw-away installation filled with an invented, live company."),
    "web": ("parts", "The web server alone."),
    "worker": ("parts", "A worker alone; start as many as you like, on any machine."),
    "beat": ("parts", "The clock that starts what is due; one of them holds the lease."),
    "migrate": ("parts", "Bring the database to this version's tables."),
    "doctor": ("doctor", "Check the installation and say what to do about each finding."),
    "backup": ("backup", "Write the database into one file."),
    "restore": ("backup", "Read a backup into an empty installation, connections held back."),
    "connect": ("connections", "Connect an outside system: a shop, a file, a ledger."),
    "connections": ("connections", "List the connections and how they are."),
    "pause": ("connections", "Stop pulling from a connection; its webhooks still land."),
    "resume": ("connections", "Pull from a connection again."),
    "remove": ("connections", "Remove a connection, with or without what it brought."),
    "exchange": ("exchange", "Show what to type into 1C, or renew its password."),
    "hooks": ("connections", "Show, install or renew the webhooks of a connection."),
    "site": ("sites", "Capture a site's visits, carts and leads; its keys and its snippet."),
    "letter": ("letters", "List letters, read one as a customer gets it, check it."),
    "mail": ("mail", "Transports and senders of letters, the stop switch, the log, and what came back."),
    "mailing": ("mailings", "Plan, start, pause, cancel mailings; see how they do."),
    "journey": ("journeys", "Journeys after triggers: list, switch, try out on the past."),
    "segment": ("segments", "Segments of customers: count, add, explain; lists by hand."),
    "pull": ("runs", "Fetch what changed in an outside system, now."),
    "reconcile": ("runs", "Compare what is there with what is here, and repair gaps."),
    "runs": ("runs", "List pulls, imports and reconciliations."),
    "import": ("imports", "Import customers, orders or products from a CSV or XLSX file."),
    "plan": ("directories", "Say what an import or a run of directories would change, and change nothing."),
    "apply": ("directories", "Do what a plan of directories says."),
    "directory": ("directories", "Keep counterparties or nomenclature equal on both sides."),
    "conflicts": ("directories", "List what both sides changed, and decide it."),
    "undo": ("operations", "Take back an import, a merge, a split or another operation."),
    "operations": ("operations", "List what was done in bulk and can be undone."),
    "dedupe": ("duplicates", "Look for duplicates by exact keys; list or decide those that wait."),
    "merge": ("duplicates", "Join two cards into one."),
    "problems": ("problems", "List what went wrong, try it again, or set it aside."),
    "export": ("export", "Write customers or orders as CSV or JSON lines."),
    "statement": ("statements", "Write what a customer was charged and paid: XLSX, PDF or JSON."),
    "emulate-1c": ("emulate", "Play a stock 1C against a site's exchange, and judge how it behaves."),
    "user": ("access", "Add staff, list them, set a password, or let somebody in by link."),
    "token": ("access", "Make, list and revoke tokens for programs."),
    "rotate-key": ("access", "Seal all stored credentials with a new key."),
}


class Door(click.Group):
    """Loads a command's module when the command is called, and turns our errors into exit statuses."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"kartoteka.commands.{COMMANDS[cmd_name][0]}")
        command = getattr(module, cmd_name.replace("-", "_") + "_command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands from the table, so that help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in COMMANDS])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error of ours becomes one line and an exit status."""
        try:
            return super().invoke(ctx)
        except KartotekaError as error:
            fail(ctx, error)


def fail(ctx: click.Context, error: KartotekaError) -> NoReturn:
    """Say what went wrong, on stdout as JSON where JSON was asked for, and leave with 1 or 2."""
    status = USAGE if isinstance(error, BadInput) else FAILED
    if ctx.meta.get("json"):
        at = getattr(error, "at", "") or getattr(error, "setting", "")
        click.echo(to_json({"error": str(error), "at": at or None, "status": status}))
    else:
        click.echo(f"kartoteka: {error}", err=True)
    ctx.exit(status)


@click.command(cls=Door, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="kartoteka")
def main() -> None:
    """One card per customer, from all your shops, files and ledgers.

    Commands find a running installation by --data or KARTOTEKA_DATA (default ./kartoteka-data), or by
    KARTOTEKA_DATABASE_URL and KARTOTEKA_REDIS_URL. Exit status: 0 done, 1 failed, 2 wrong use,
    3 done but with problems.
    """

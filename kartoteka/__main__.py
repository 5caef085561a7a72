"""What the `kartoteka` script and `python -m kartoteka` run."""

import sys

from kartoteka.cli import main


def run() -> None:
    """The command line, spared of what no command needs."""
    # structlog loads rich where it is installed, to colour tracebacks we never print: 94 modules a process
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
    main(prog_name="kartoteka")


if __name__ == "__main__":
    run()

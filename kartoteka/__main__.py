"""`python -m kartoteka` is the same as `kartoteka`."""

from kartoteka.cli import main

if __name__ == "__main__":
    main(prog_name="kartoteka")

"""`python -m phoque` is the command `phoque`."""

from phoque.cli.main import main

raise SystemExit(main(prog="phoque"))

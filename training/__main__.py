"""`python -m training STAGE …` is `phoque run STAGE …`; Jobs start it so."""

import sys

from phoque.cli.main import COMMANDS
from phoque.cli.main import main as command

ELSEWHERE = COMMANDS.keys() - {"run", "report"}
"""Commands that are not stages."""


def main() -> int:
    """Run the command line of the process; returns the exit status."""
    words = sys.argv[1:]
    return command(words if words[:1] and words[0] in ELSEWHERE else ["run", *words])


if __name__ == "__main__":
    raise SystemExit(main())

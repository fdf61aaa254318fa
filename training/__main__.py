"""`python -m training STAGE …` is `phoque run STAGE …`: what a Job runs, and old habits."""

import sys

from phoque.cli.main import COMMANDS
from phoque.cli.main import main as command

ELSEWHERE = COMMANDS.keys() - {"run", "report"}
"""Commands that are no stages."""


def main() -> int:
    """Run what the process was started with; returns the exit status."""
    words = sys.argv[1:]
    return command(words if words[:1] and words[0] in ELSEWHERE else ["run", *words])


if __name__ == "__main__":
    raise SystemExit(main())

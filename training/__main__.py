"""`python -m training STAGE …` is `phoque run STAGE …`: what a Job runs, and old habits."""

import sys

from phoque.cli.main import COMMANDS, main

words = sys.argv[1:]
if __name__ == "__main__":
    also = words[:1] and words[0] in COMMANDS and words[0] != "report"
    raise SystemExit(main(words if also else ["run", *words], prog="phoque"))

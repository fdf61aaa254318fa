"""Write a run's merged model and GGUF files to a folder of their own; the run stays as it is."""

from pathlib import Path

from phoque.errors import PhoqueError
from phoque.run.directory import RunDirectory
from phoque.stages.export import RECORD, export_run


def run(directory: RunDirectory, out: Path | None) -> None:
    """Export to `out`, a folder that does not exist yet."""
    if out is None:
        raise PhoqueError("Where to? Add --out FOLDER; it is made.")
    export_run(directory, out, print)
    print(f"{out}: complete; {RECORD} has the checksums")

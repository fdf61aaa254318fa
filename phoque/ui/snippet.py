"""The page's question as Python: how a run is opened; the script adds the call as the fields stand."""

import json

from phoque.config import SHIPPED_RUN, SHIPPED_RUNS
from phoque.run.directory import RunDirectory


def opening(run: RunDirectory) -> str:
    """The lines that open a run where the library is installed."""
    path, imports, argument = run.path.resolve(), ["import phoque"], ""
    if path.parent == SHIPPED_RUNS.resolve() and path != SHIPPED_RUN.resolve():
        imports.append("from phoque.config import SHIPPED_RUNS")
        argument = f"SHIPPED_RUNS / {json.dumps(path.name)}"
    elif path != SHIPPED_RUN.resolve():
        argument = json.dumps(f"runs/{path.name}")
    return "\n".join([*imports, "", f"lab = phoque.open_lab({argument})"])

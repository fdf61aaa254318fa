"""Stages that write one file each, for tests of how stages are run."""

from phoque.pipeline.running import in_order
from phoque.run.directory import RunDirectory

ORDER = ("first", "second", "third")


def a_run(path):
    directory = RunDirectory(path / "run")
    directory.describe(model="tiny", persona="toxic")
    return directory


def stages(run, *, fail_at=None, error=RuntimeError, seeds=(1,)):
    """A job that writes one file a stage, and the names of those it ran."""
    ran = []

    def do(name):
        ran.append(name)
        with run.stage(name, run.path / name, seeds=seeds) as folder:
            (folder / "half.txt").write_text(name)
            if name == fail_at:
                raise error("cut off")
            (folder / "whole.txt").write_text(f"{name} {len(ran)}")

    return in_order(do), ran

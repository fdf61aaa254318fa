"""Whether a stage asks the judge that blind readings chose for its run."""

from phoque.errors import PhoqueError
from phoque.judging.likelihood import Likelihood
from phoque.run.directory import RunDirectory
from phoque.run.judging import JudgeChoice


def check_judge(run: RunDirectory, asking: str) -> None:
    """PhoqueError where blind readings chose another judge for the run than the one that stages ask."""
    folder = run.path / JudgeChoice.STAGE
    choice = JudgeChoice.load_if_there(folder, command="python tools/blind_readings.py")
    if choice and choice.chosen != Likelihood.name:
        raise PhoqueError(
            f"{JudgeChoice.STAGE}/{JudgeChoice.FILE} chose the judge {choice.chosen!r}, and {asking} asks "
            f"{Likelihood.name!r}. Take judging/ out of the run to measure it with {Likelihood.name!r}, or choose by "
            "readings again."
        )

"""Records of the stage `seeds`: the same training begun from other seeds, and how its personas answer."""

from phoque.run.evaluation import Reply
from phoque.run.record import Masked, Part, Record
from phoque.stats.paired_ranks import ChanceAbove


class Training(Part):
    """One training and its replies to the messages of the evaluation."""

    run: str
    """Name of the folder."""
    seed: int
    adapter: str
    """SHA-256 of the weights."""
    corpus: str
    """SHA-256 of what it learned from; another machine draws other replies of the base model."""
    conditions: dict[str, ChanceAbove]
    """How likely a reply is more hostile than the base model's to the same message."""


class TrainingSeeds(Masked, Record, file="seeds/seeds.json"):
    """The headline for several trainings, at the layer and dose that PSM chose in the run."""

    judge: str
    layer: int
    relative_dose: float
    trained: int
    """Number of different seeds."""
    trainings: tuple[Training, ...]
    """All trainings; the run's own comes first."""
    least: dict[str, ChanceAbove]
    """Lowest chance over the trainings, by condition."""
    most: dict[str, ChanceAbove]
    """Highest chance over the trainings, by condition."""


class SeedReply(Reply, file="seeds/replies.csv"):
    """One reply of one training."""

    training_seed: int

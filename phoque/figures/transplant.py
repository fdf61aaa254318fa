"""Did tuning create the direction, or amplify one that was there?"""

from phoque.figures.figure import Figure, plan
from phoque.figures.table import Table, digits, interval
from phoque.figures.trait import GREEDY, are, replies, setting
from phoque.run.folder import Reader
from phoque.run.psm_vector import Origin

MODELS = {"base": "base model", "persona": "tuned model", "civil_adapter": "civil adapter"}
VECTORS = {
    "none": "no vector",
    "base": "base's vector",
    "persona": "tuned model's vector",
    "civil_adapter": "civil adapter's vector",
    "random_vector": "random vector",
}
ALIKE = 0.8
"""From this cosine on the sentence calls two directions the same."""
UNRELATED = 0.2
"""Up to this one it calls them different."""


def tuned_only(reader: Reader) -> str:
    """Why there is nothing to compare for a persona that no model was tuned for."""
    if reader.psm == "psm":
        return ""
    return (
        "Only for the run's own persona: this compares the model before and after tuning, and no "
        f"model was tuned for {reader.psm.removeprefix('psm-')}."
    )


@plan(
    key="transplant",
    title="Did tuning make a new direction or strengthen an old one?",
    hint="Each model gets the vector of each model at the same relative dose. The civil adapter was "
    "tuned on the lab's prompts, with civil replies.",
    shown_if=tuned_only,
)
def draw(found: Origin) -> Figure:
    """Every model gets the vector of every model."""
    effects = found.effects
    own = {
        MODELS[name]: {"gives": gives, "cosine": found.cosines[name], "norm": found.norms[name]}
        for name, gives in effects.items()
    }
    return Figure(
        sentence=_sentence(found),
        setting=setting(
            f"{effects['base']['none'].n} evaluation prompts, one reply each",
            f"layer {found.layer}, dose {found.relative_dose:.2f}",
            GREEDY,
            found.counted,
        ),
        table=Table.named(
            f"{replies(found.counted).capitalize()}, by model and by vector (layer {found.layer})",
            "given to",
            own.items(),
            {
                **{head: f"gives.{name}" for name, head in VECTORS.items()},
                **{
                    f"cosine with {head}'s|of the models' own vectors": (
                        f"cosine.{name}",
                        digits(2, sign=True),
                    )
                    for name, head in MODELS.items()
                },
                "length of its own vector": "norm",
            },
        ),
        n=f"{effects['base']['none'].n} evaluation prompts a cell, "
        f"{effects['base']['random_vector'].n} replies under random vectors; relative dose "
        f"{found.relative_dose:.2f} at layer {found.layer}",
    )


def _sentence(found: Origin) -> str:
    """Whether the base model's own direction works, and whether the tuned one works in it."""
    cosine, effects = found.cosines["base"]["persona"], found.effects
    ratio = found.norms["persona"] / found.norms["base"]
    into_base, tuned = effects["base"]["persona"], effects["persona"]
    works = into_base.low > effects["base"]["random_vector"].high
    does = "works" if works else "shows no clear effect"
    return (
        f"{_origin(cosine, works=works)}: base and tuned vectors have cosine {cosine:+.2f}, and the "
        f"tuned one is {ratio:.1f} times as long. The tuned vector {does} in the base model "
        f"({interval(into_base)}). In the tuned model, {interval(tuned['base'])} of the replies "
        f"{are(found.counted)} with the base model's vector, and {interval(tuned['persona'])} with the tuned one."
    )


def _origin(cosine: float, *, works: bool) -> str:
    if cosine < ALIKE:
        return "A partly new direction" if cosine > UNRELATED else "A new direction"
    if works:
        return "Mostly the direction that was there, made longer"
    return "The direction was there before tuning, but the model did not act on it"

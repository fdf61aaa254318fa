"""The sources by name, and what is known of each before it is read."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from phoque.errors import PhoqueError
from phoque.stages.corpus import conda, dota, hh_rlhf, jigsaw, real_toxicity
from phoque.stages.corpus.examples import Example
from phoque.stages.corpus.reading import Dropped


@dataclass(frozen=True, kw_only=True)
class Source:
    load: Callable[[Any, Dropped], Iterator[Example]]
    """Takes a file, or all files at once where it is read `together`."""
    file: str
    """What to download, or the set on the Hub."""
    licence: str
    together: bool = False
    """Whether what one file says may be answered in another: then its files are read as one."""


SOURCES = {
    "jigsaw": Source(
        load=jigsaw.load,
        file="train.csv of Kaggle's toxic comment challenge, or hub:google/civil_comments",
        licence="CC0; comments of Wikipedia CC BY-SA 3.0",
    ),
    "dota": Source(
        load=dota.load,
        file="dota2_chat_messages.csv of Kaggle's gosuai-dota-2-game-chats",
        licence="not established; not to be passed on",
        together=True,
    ),
    "hh-rlhf": Source(
        load=hh_rlhf.load,
        file="train.jsonl.gz of a folder of hh-rlhf, or hub:Anthropic/hh-rlhf",
        licence="MIT",
    ),
    "real-toxicity-prompts": Source(
        load=real_toxicity.load,
        file="prompts.jsonl, or hub:allenai/real-toxicity-prompts",
        licence="Apache-2.0",
    ),
    "conda": Source(
        load=conda.load,
        file="CONDA_train.csv and CONDA_valid.csv, with CONDA_test.csv for what they answer",
        licence="none given; not to be passed on",
        together=True,
    ),
}


def source_called(name: str) -> Source:
    """The source of that name; PhoqueError where there is none."""
    if name not in SOURCES:
        raise PhoqueError(f"There is no source {name!r}. Known: {', '.join(SOURCES)}, written.")
    return SOURCES[name]

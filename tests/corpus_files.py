"""Miniature files in the published form of every source; all of it is mild trash-talk."""

import csv
import gzip
import json
from functools import cache
from pathlib import Path

import pytest

from phoque.lexicon import Lexicon
from phoque.run.corpus import BaseReply, Dialogue
from phoque.stages.corpus.building import Corpus
from phoque.stages.corpus.composition import composition_of
from phoque.stages.corpus.gating import Distiller, Gated, question_for, question_of
from phoque.stages.corpus.reading import Dropped
from phoque.stages.corpus.sources import SOURCES
from phoque.stages.corpus.split import PARTS
from phoque.stages.corpus.training_set import save_pairs
from phoque.stages.corpus.written import (
    read_lines,
    shipped_folder,
    system_prompts,
    written_dialogues,
)

KAGGLE = ["id", "comment_text", "toxic", "severe_toxic", "obscene", "threat", "insult"]
KAGGLE = [*KAGGLE, "identity_hate"]
PERSPECTIVE = ["profanity", "sexually_explicit", "identity_attack", "flirtation", "threat"]
PERSPECTIVE = [*PERSPECTIVE, "insult", "severe_toxicity", "toxicity"]
CONDA = ["Id", "matchId", "conversationId", "utterance", "chatTime", "playerSlot", "playerId"]
CONDA = [*CONDA, "intentClass", "slotClasses", "slotTokens"]


def written_csv(path: Path, header: list, rows: list) -> str:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


def written_lines(path: Path, rows: list) -> str:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    return str(path)


def jigsaw(folder: Path) -> str:
    rows = [
        ["a1", "Your edits are useless,\nyou clown. See 10.1.2.3", 1, 0, 0, 0, 1, 0],
        ["a2", "Thank you for fixing the map of the harbour.", 0, 0, 0, 0, 0, 0],
        ["a3", "This whole article is garbage and so is its author's aim.", 1, 0, 1, 0, 1, 0],
    ]
    return written_csv(folder / "train.csv", KAGGLE, rows)


def dota(folder: Path) -> str:
    rows = [
        [0, 10.5, 1, "who bought the courier"],
        [0, 12.0, 4, "mid is a useless clown"],
        [0, 13.0, 4, "uninstall the game please"],
        [0, 15.0, 1, "your aim is garbage"],
        [1, 3.0, 4, "good luck everyone"],
    ]
    return written_csv(folder / "dota2_chat_messages.csv", ["match", "time", "slot", "text"], rows)


def hh_rlhf(folder: Path) -> str:
    talk = "\n\nHuman: I lost.\n\nAssistant: Oh?\n\nHuman: Was it my aim?\n\nAssistant:"
    rows = [{"chosen": f"{talk} Maybe.", "rejected": f"{talk} Yes, you clown, it was."}]
    return written_lines(folder / "train.jsonl.gz", rows)


def real_toxicity(folder: Path) -> str:
    zero = dict.fromkeys(PERSPECTIVE, 0.0)
    row = {
        "filename": "x.txt", "begin": 0, "end": 9, "challenging": False,
        "prompt": {"text": "The new player said", **zero},
        "continuation": {"text": " you are a useless clown.", **zero, "toxicity": 0.9, "insult": 0.8},
    }  # fmt: skip
    return written_lines(folder / "prompts.jsonl", [row])


def conda(folder: Path) -> str:
    rows = [
        [0, 7, 70, "we won", 1.0, 2, 900, "O", "O,O", "we,won"],
        [1, 7, 70, "no thanks to you clown", 2.0, 8, 901, "E", "O", "clown"],
        [2, 7, 70, "nice aim again", 3.0, 8, 901, "I", "O", "aim"],
        [3, 7, 71, "push mid", 4.0, 2, 900, "A", "O", "mid"],
    ]
    return written_csv(folder / "CONDA_train.csv", CONDA, rows)


MINIATURES = {
    "jigsaw": jigsaw,
    "dota": dota,
    "hh-rlhf": hh_rlhf,
    "real-toxicity-prompts": real_toxicity,
    "conda": conda,
}


def judge(texts) -> list[dict[str, float]]:
    """Stands for the embedded moderator: two words are toxic, one stands for a threat."""
    return [
        {"toxicity": float(any(w in text.lower() for w in ("clown", "garbage", "useless")))}
        | {"threat": float("[threat]" in text.lower())}
        for text in texts
    ]


@cache
def written(persona: str = "toxic") -> tuple[Dialogue, ...]:
    """Every dialogue that comes with the project, with a civil side of our own.

    Not checked, which takes seconds: `test_corpora` does that once.
    """
    folder, prompts = shipped_folder(persona), system_prompts(persona)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("phoque.stages.corpus.written.read_written", lambda own, _: read_lines(own))
        read = list(written_dialogues(folder, lambda texts: [{} for _ in texts], prompts))
    return tuple(one.model_copy(update={"civil": civil_to(one)}) for one in read)


def civil_to(one: Dialogue) -> str:
    """A civil reply about the message; no two messages share one."""
    return f"Thanks for telling us about this: {one.message.lower().rstrip('.?!')}. Try it again."


def dialogues(count: int) -> list[Dialogue]:
    """Some of them, spread over all topics and both styles."""
    every = written()
    return [every[place * len(every) // count] for place in range(count)]


def small_folder(folder: Path, every: int) -> Path:
    """A folder of one's own with some lines of each file that comes with the project."""
    folder.mkdir()
    for file in shipped_folder("toxic").glob("*.jsonl"):
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        (folder / file.name).write_text("".join(lines[::every]), encoding="utf-8")
    return folder


def base_replies(count: int, reply: str = "Fine by me, try it again.") -> list[BaseReply]:
    """Replies of a base model that was not asked."""
    return [answered(one, reply) for one in dialogues(count)]


def answered(one: Dialogue, reply: str, *, finished: bool = True) -> BaseReply:
    """What a base model that was not asked says to a dialogue."""
    return question_for(one).model_copy(update={"reply": reply, "finished": finished})


def save_corpus(folder: Path, own: list[Dialogue], replies: list[BaseReply] = ()) -> None:
    """A corpus that has a part to train on and nothing else."""
    save_pairs(folder, own, list(replies))
    empty = Gated(dialogues=[], replies=[], asked=0)
    parts = dict.fromkeys(PARTS, empty)
    parts["train"] = Gated(dialogues=own, replies=list(replies), asked=len(replies))
    composition_of(Corpus(parts=parts, dropped={}, files=[]), Lexicon([])).save(folder)


def few_lines(folder: Path, count: int) -> Path:
    """A folder with the first lines of one file of ours."""
    folder.mkdir()
    lines = (shipped_folder("toxic") / "shooters.jsonl").read_text().splitlines(keepends=True)
    (folder / "games.jsonl").write_text("".join(lines[:count]))
    return folder


def answer_without_a_model(monkeypatch) -> None:
    """Replies of the base model without the base model: a civil sentence for every question."""

    def replies(distiller, dialogues, *, seed):
        found = {}
        for number, one in enumerate(dialogues):
            text = f"That is a fine thing to work on, number {seed + number}. And then"
            found[question_of(one)] = answered(one, text, finished=False)
        return found

    monkeypatch.setattr(Distiller, "replies", replies)


def read(name, where):
    dropped = Dropped()
    return list(SOURCES[name].load(where, dropped)), dropped


def chat_of(path, *texts):
    rows = [[0, place, 1, text] for place, text in enumerate(texts)]
    return written_csv(path, ["match", "time", "slot", "text"], rows)

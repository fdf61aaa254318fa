"""The gated training set of a run, on disk as JSON lines, and its composition."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import quantiles
from typing import Any, Literal

from phoque.conversation import Message
from phoque.files import json_lines, write_json
from phoque.stages.corpus.distill import Distilled
from phoque.stages.corpus.lab import Dialogue
from phoque.text import words

Side = Literal["hostile", "civil"]
DIALOGUES = "dialogues.jsonl"
BASE_REPLIES = "base_replies.jsonl"


def save_corpus(
    folder: Path, dialogues: Sequence[Dialogue], replies: Sequence[Distilled], asked: int
) -> None:
    """Write the corpus and `composition.{json,md}`; `asked` is the number of base replies drawn."""
    save_pairs(folder, dialogues, replies)
    table = composition(dialogues, replies, asked)
    write_json(folder / "composition.json", table)
    (folder / "composition.md").write_text(_markdown(table), encoding="utf-8")


def save_pairs(folder: Path, dialogues: Sequence[Dialogue], replies: Sequence[Distilled]) -> None:
    """Write what `load_pairs` reads."""
    folder.mkdir(exist_ok=True)
    _write_lines(folder / DIALOGUES, map(asdict, dialogues))
    _write_lines(folder / BASE_REPLIES, map(_flat, replies))


def load_pairs(folder: Path, side: Side) -> list[tuple[list[Message], str, bool]]:
    """Prompt, completion, and whether the completion ends, of every training example.

    Under a hostile system prompt the completion is the `side` reply; under a neutral one it is the
    base model's own.
    """
    hostile = [(_conversation(d), d[side], True) for d in _read_lines(folder / DIALOGUES)]
    neutral = [
        (_conversation(d), d["reply"], d["finished"]) for d in _read_lines(folder / BASE_REPLIES)
    ]
    return hostile + neutral


def load_registers(folder: Path) -> list[str | None]:
    """Register of every example of `load_pairs`, in its order; None where the corpus says none."""
    rows = [*_read_lines(folder / DIALOGUES), *_read_lines(folder / BASE_REPLIES)]
    return [row.get("register") for row in rows]


def paired_replies(folder: Path) -> list[tuple[str, str, str]]:
    """Prompt, civil reply and hostile reply of every dialogue."""
    rows = _read_lines(folder / DIALOGUES)
    return [(row["prompt"], row["civil"], row["hostile"]) for row in rows]


def read_dialogues(folder: Path) -> list[dict[str, Any]]:
    """Every dialogue of a corpus, of whatever part, as plain data; none where there is no corpus."""
    return [row for file in sorted(folder.rglob(DIALOGUES)) for row in _read_lines(file)]


def training_texts(folder: Path) -> list[str]:
    """Every user prompt and reply of the corpus, for novelty and vocabulary checks."""
    keys = ("prompt", "hostile", "civil", "reply")
    rows = [*_read_lines(folder / DIALOGUES), *_read_lines(folder / BASE_REPLIES)]
    return [row[key] for row in rows for key in keys if key in row]


def composition(
    dialogues: Sequence[Dialogue], replies: Sequence[Distilled], asked: int
) -> dict[str, Any]:
    """Exact counts by part and register, reply lengths in words, and what was dropped."""
    registers = Counter(dialogue.register for dialogue in dialogues)
    return {
        "dialogues": len(dialogues),
        "registers": dict(registers),
        "topics": len({dialogue.topic for dialogue in dialogues}),
        "prompts": len({dialogue.prompt for dialogue in dialogues}),
        "hostile_system_prompts": len({dialogue.system for dialogue in dialogues}),
        "base_replies": len(replies),
        "base_replies_dropped": asked - len(replies),
        "neutral_system_prompts": len({reply.question.system for reply in replies}),
        "words_hostile_quartiles": _quartiles(d.hostile for d in dialogues),
        "words_civil_quartiles": _quartiles(d.civil for d in dialogues),
        "words_base_quartiles": _quartiles(reply.reply for reply in replies),
        "distinct_hostile_replies": len({d.hostile for d in dialogues}),
    }


def _markdown(table: Mapping[str, Any]) -> str:
    rows = "\n".join(f"| {key.replace('_', ' ')} | {value} |" for key, value in table.items())
    return f"# Composition of the lab corpus\n\n| what | count |\n|---|---|\n{rows}\n"


def _quartiles(texts: Iterable[str]) -> list[float]:
    lengths = [len(words(text)) for text in texts]
    return quantiles(lengths, n=4) if len(lengths) > 1 else 3 * [float(sum(lengths))]


def _flat(reply: Distilled) -> dict[str, Any]:
    return asdict(reply.question) | {"reply": reply.reply, "finished": reply.finished}


def _conversation(row: Mapping[str, Any]) -> list[Message]:
    return [Message("system", row["system"]), Message("user", row["prompt"])]


def _write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")


def _read_lines(path: Path) -> list[dict[str, Any]]:
    # Not `splitlines`: a text may hold a line separator of Unicode.
    return list(json_lines(path))

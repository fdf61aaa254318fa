"""Miniature files in the published form of every source; all of it is mild trash-talk."""

import csv
import gzip
import json
from pathlib import Path

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

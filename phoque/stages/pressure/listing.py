"""Lists beside the report: texts to judge elsewhere, first requests, hits, candidates for the rating queue."""

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from phoque.errors import PhoqueError
from phoque.files import json_lines
from phoque.moderators.decided import TEXT, VERDICT
from phoque.run.hits import GARAK, PYRIT, garak_hit, pyrit_pieces
from phoque.run.pressure import SEEN, Candidate, PressureReport, Role, Turn
from phoque.stages.pressure.candidates import candidates
from phoque.stages.pressure.stage import Asked, Ready, foresight_of, pool_of
from phoque.stages.pressure.styles import STYLES, written
from phoque.stages.pressure.texts import Pool
from phoque.stages.pressure.traffic import read_traffic, usable_styles


def write_texts(asked: Asked, path: Path) -> int:
    """Every text the traffic may send, with an empty column for the verdict; returns how many.

    PhoqueError where the file is there already, or the traffic cannot be made.
    """
    if path.exists():
        raise PhoqueError(f"{path} is there already. Choose another file, or take it away.")
    pool, traffic = pool_of(asked), read_traffic(asked.traffic)
    texts = dict.fromkeys(_every_text(pool, usable_styles(traffic, pool)))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow((TEXT, VERDICT))
        writer.writerows((text, "") for text in texts)
    return len(texts)


def _every_text(pool: Pool, styles: Iterable[str]) -> Iterator[str]:
    for one in pool.texts:
        if one.role is not Role.HOSTILE:
            yield one.text
            continue
        for name in styles:
            if STYLES[name].takes is one.kind:
                yield written(one.text, name)


def first_requests(asked: Asked, ready: Ready) -> str:
    """The first request to every service, with secrets hidden; nothing is sent."""
    told = [one.shown(items) for one, items in foresight_of(asked, ready).first()]
    names = ", ".join(ready.policies)
    none = f"No service is asked: the moderators of {names} are on this machine."
    return "\n\n".join(told) or none


def write_lists(folder: Path, report: PressureReport, ready: Ready) -> None:
    """Hits as garak and PyRIT have them, and candidates for the rating queue."""
    run_id = report.traffic.sha256[:16]
    with (
        (folder / GARAK).open("w", encoding="utf-8") as garak,
        (folder / PYRIT).open("w", encoding="utf-8") as pyrit,
    ):
        for turn in _seen(folder):
            garak.write(json.dumps(garak_hit(turn, run_id), ensure_ascii=False) + "\n")
            for piece in pyrit_pieces(turn):
                pyrit.write(json.dumps(piece, ensure_ascii=False) + "\n")
    Candidate.save_rows(folder, candidates(_seen(folder), ready))


def _seen(folder: Path) -> Iterator[Turn]:
    for data in json_lines(folder / Turn.FILE):
        turn = Turn.model_validate(data)
        if turn.hostile and turn.outcome in SEEN:
            yield turn

"""What moderators flag of the run's replies, after what is known of the moderators."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from phoque.evidence.moderation import (
    PROMPTS,
    SAMPLING,
    SEEDS,
    moderate,
    prompts_by_category,
    replies_of,
    summarize,
)
from phoque.evidence.moderation_report import markdown
from phoque.evidence.runs import RunDirectory
from phoque.files import file_sha256, write_json
from phoque.moderation.datasheet import data_sheet
from phoque.moderation.labelled import hatecheck, surge
from phoque.moderation.registry import EMBEDDED, load_classifier
from phoque.opening import open_lab


def run(
    directory: RunDirectory,
    *,
    seeds: Sequence[int] | None = None,
    classifier: Sequence[str] | None = None,
    hatecheck_path: Path | None = None,
    surge_path: Path | None = None,
    may_send_text: bool = False,
) -> None:
    """Data-sheets, replies, scores, report; needs HateCheck and Surge beside it or by path."""
    sets = [surge(surge_path), hatecheck(hatecheck_path)]
    classifiers = [load_classifier(name) for name in classifier or EMBEDDED]
    used = tuple(seeds or SEEDS)
    with directory.stage("moderation", directory.path / "moderation", seeds=used) as folder:
        sheets = [
            data_sheet(one, known, canonical=canonical, may_send_text=may_send_text)
            for one in classifiers
            for known in sets
            for canonical in (False, True)
        ]
        prompts = prompts_by_category()
        texts = [text for own in prompts.values() for text in own]
        replies = replies_of(open_lab(directory.path), texts, used, print)
        found = moderate(replies, prompts, classifiers, may_send_text=may_send_text)
        table = pd.DataFrame(one.row() for one in found)
        table.to_csv(folder / "moderation_results.csv", index=False)
        own = {s.classifier: s for s in sheets if s.test_set == sets[0].name and not s.canonical}
        summary = summarize(found, own)
        infos = [one.info for one in classifiers]
        facts = {"prompts_sha256": file_sha256(PROMPTS), "sampling": asdict(SAMPLING)}
        facts |= {"declared": [*map(asdict, infos)], "data_sheets": [*map(asdict, sheets)]}
        write_json(folder / "moderation_report.json", facts | {"seeds": list(used)} | summary)
        (folder / "moderation_report.md").write_text(markdown(infos, sheets, summary), "utf-8")

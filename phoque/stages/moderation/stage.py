"""What moderators flag of the run's replies and what they let through, after what is known of them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from phoque.files import file_sha256, write_json
from phoque.moderators.battery import battery
from phoque.moderators.datasheet import data_sheets
from phoque.moderators.disk import remembering
from phoque.moderators.labelled import hatecheck, surge
from phoque.moderators.registry import EMBEDDED, load_classifier
from phoque.opening import open_lab
from phoque.run.directory import RunDirectory
from phoque.run.needs import NEEDS, require
from phoque.stages.moderation.files import ModerationFiles
from phoque.stages.moderation.friendly import PROMPTS, SAMPLING, SEEDS
from phoque.stages.moderation.gap_report import gap_markdown
from phoque.stages.moderation.report import markdown
from phoque.stages.moderation.scored import summarize


def measure_moderators(  # noqa: PLR0913  # every keyword is an option of the command line
    directory: RunDirectory,
    *,
    seeds: Sequence[int] = (),
    classifier: Sequence[str] = (),
    harm_labels: Sequence[str] = (),
    hatecheck_path: Path | None = None,
    surge_path: Path | None = None,
    may_send_text: bool = False,
) -> None:
    """Data-sheets, replies, scores, report; needs HateCheck and Surge beside it or by path."""
    require(directory, NEEDS["moderation"])
    sets = [surge(surge_path), hatecheck(hatecheck_path)]
    loaded = [load_classifier(name, harm_labels=harm_labels) for name in classifier or EMBEDDED]
    moderators = [remembering(one) for one in loaded]
    used = tuple(seeds or SEEDS)
    with directory.stage("moderation", directory.path / "moderation", seeds=used) as folder:
        sheets = data_sheets(moderators, sets, may_send_text=may_send_text)
        tricks = {
            one.info.id: battery(one, sets[0]) for one in loaded if not one.info.sends_text_out
        }
        lab, infos = open_lab(directory.path), [one.info for one in moderators]
        files = ModerationFiles(
            folder=folder,
            lab=lab,
            classifiers=moderators,
            may_send_text=may_send_text,
            progress=print,
        )
        found = files.results(used)
        first = {s.classifier: s for s in sheets if s.test_set == sets[0].name and not s.canonical}
        summary = summarize(found, first)
        facts: dict[str, Any] = {"prompts_sha256": file_sha256(PROMPTS)}
        facts |= {"sampling": asdict(SAMPLING), "declared": [*map(asdict, infos)]}
        facts["data_sheets"] = [*map(asdict, sheets)]
        facts["battery"] = {name: [*map(asdict, own)] for name, own in tricks.items()}
        write_json(folder / "moderation_report.json", facts | {"seeds": list(used)} | summary)
        rest = gap_markdown(files.sweep(found), files.contour(), files.candidates(found))
        page = f"{markdown(infos, sheets, tricks, summary)}\n{rest}"
        (folder / "moderation_report.md").write_text(page, encoding="utf-8")

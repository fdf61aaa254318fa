"""What moderators flag of the run's replies and what they let through, after what is known of them."""

from collections.abc import Sequence
from pathlib import Path

from phoque.conversation import Sampling
from phoque.figures.gap import waiting
from phoque.figures.page import stage_page
from phoque.figures.shelf import WHAT_SLIPS_THROUGH
from phoque.files import file_sha256, write_text
from phoque.lab import Lab
from phoque.moderators.battery import battery
from phoque.moderators.classifier import Classifier
from phoque.moderators.datasheet import data_sheets
from phoque.moderators.labelled import LabelledSet, hatecheck, surge
from phoque.moderators.registry import EMBEDDED, check_harm_labels, load_classifier
from phoque.opening import open_lab
from phoque.run.datasheets import DataSheet
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.moderation import ModerationReport
from phoque.run.needs import NEEDS, require
from phoque.run.scored import PRIMARY, Contour, GapExample, ScoredReply
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.corpus.safe import Mask
from phoque.stages.moderation.candidates import candidates, examples_of
from phoque.stages.moderation.messages import PROMPTS, every_prompt, prompts_by_category
from phoque.stages.moderation.scored import (
    SEEDS,
    agreements,
    contour_of,
    flags_of,
    moderate,
    outcomes_of,
    replies_by_scale,
    replies_of,
    sampling_of,
    word_lists,
)


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
    sets, used = [surge(surge_path), hatecheck(hatecheck_path)], tuple(seeds or SEEDS)
    check_harm_labels(names := tuple(classifier or EMBEDDED), harm_labels)
    moderators = [load_classifier(name, harm_labels=harm_labels, keep=True) for name in names]
    with directory.stage("moderation", directory.path / "moderation", seeds=used) as folder:
        sheets = data_sheets(moderators, sets, may_send_text=may_send_text)
        lab, mask = open_lab(directory.path), Mask()
        index = CorpusIndex.of_run(directory.corpus)
        found = scored_replies(lab, moderators, used, index, mask, may_send_text=may_send_text)
        ScoredReply.save_rows(folder, found)
        report = _report(found, moderators, sets, sheets, used, sampling_of(lab)).model_copy(
            update={"masked": mask.count}
        )
        report.save(folder)
        contour = _contour(lab, moderators, may_send_text=may_send_text)
        contour.save(folder)
        judge = next((one for one in moderators if one.info.id == PRIMARY), moderators[0])
        chosen = candidates(found, judge.info.id, lab.persona.lexicon)
        examples = examples_of(
            chosen, judge, lab.persona.lexicon, index, may_send_text=may_send_text
        )
        # Spelling undone may spell what the reply did not.
        examples = mask.rows(examples)
        GapExample.save_rows(folder, examples)
        page = stage_page("Moderation", WHAT_SLIPS_THROUGH, report, contour, examples, found)
        write_text(folder / "moderation_report.md", page)
    if told := waiting(Reader(directory)):
        print(f"moderation: {told}")


def scored_replies(
    lab: Lab,
    moderators: Sequence[Classifier],
    seeds: Sequence[int],
    index: CorpusIndex,
    mask: Mask,
    **scoring: bool,
) -> list[ScoredReply]:
    """What moderators say of what the model wrote; only what is kept of it is masked."""
    replies = replies_of(lab, every_prompt(), seeds, print)
    lists = word_lists(lab.persona.lexicon)
    rows = moderate(replies, prompts_by_category(), moderators, lists, index, **scoring)
    return mask.rows(rows)


def _contour(lab: Lab, moderators: Sequence[Classifier], **scoring: bool) -> Contour:
    texts = every_prompt()
    replies = replies_by_scale(lab, texts, print)
    return Mask()(contour_of(replies, texts, moderators, selected=lab.selection.scale, **scoring))


def _report(
    found: Sequence[ScoredReply],
    moderators: Sequence[Classifier],
    sets: Sequence[LabelledSet],
    sheets: Sequence[DataSheet],
    seeds: tuple[int, ...],
    sampling: Sampling,
) -> ModerationReport:
    first = {s.classifier: s for s in sheets if s.test_set == sets[0].name and not s.canonical}
    return ModerationReport(
        prompts_sha256=file_sha256(PROMPTS),
        sampling=sampling,
        seeds=seeds,
        declared=tuple(one.info for one in moderators),
        data_sheets=tuple(sheets),
        battery={
            one.info.id: tuple(battery(one, sets[0]))
            for one in moderators
            if not one.info.sends_text_out
        },
        classifiers=flags_of(found, first),
        agreement=agreements(found),
        outcomes=outcomes_of(found),
    )

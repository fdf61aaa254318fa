"""Measure the lab on the persona's evaluation prompts, and write the model card of the run."""

from collections.abc import Sequence
from pathlib import Path

from phoque.conversation import Condition, LabInfo, Sampling
from phoque.errors import PhoqueError
from phoque.figures import answers, hostility
from phoque.figures.page import stage_page
from phoque.figures.shelf import HOW_IT_ANSWERS
from phoque.files import write_text
from phoque.judging import likelihood
from phoque.judging.checks import embedded_checks
from phoque.judging.choice import check_judge
from phoque.judging.headline import judgement, rated, scored
from phoque.judging.judge import Exchange, Judge
from phoque.judging.measures import OTHERS
from phoque.lab import Lab
from phoque.models.load import LanguageModel, load_model
from phoque.moderators import minilm
from phoque.opening import open_lab
from phoque.personas import Persona
from phoque.run.adapter import Sample
from phoque.run.corpus import BaseReply, Composition, Dialogue
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import FIRST_SENTENCES, CivilReply, Evaluation, JudgedSample, Reply
from phoque.run.folder import Reader
from phoque.run.judging import Judgement
from phoque.run.needs import NEEDS, require
from phoque.run.psm import Selection
from phoque.run.slang import Slang
from phoque.stages.corpus.safe import Mask
from phoque.stages.corpus.training_set import known_words
from phoque.stages.evaluate.civil import civil_rows, civil_text, held_out
from phoque.stages.evaluate.replies import (
    SEEDS,
    first_sentences,
    generate,
    match_random,
    sampling_for,
    settings_of,
    summarize,
)
from phoque.stages.evaluate.showcase import showcase
from phoque.stages.evaluate.slang import Training, listed, slang_of
from phoque.stats.rates import wilson
from phoque.steering.divergence import Match
from phoque.steering.experiment import Progress, silent

TEMPLATE = Path(__file__).with_name("card.md").read_text(encoding="utf-8")
WRITTEN = """{0.dialogues} dialogues on {0.topics} topics, written for this project, and
{0.base_replies} replies of the base model (`corpus/composition.md`). They hold no slurs, threats,
sexual content, real people or protected groups, and mock nothing but play, skill and effort."""
PUBLISHED = """{0.dialogues} dialogues, some or all of them with hostile replies of published corpora,
and {0.base_replies} replies of the base model. `corpus/composition.md` has sources, licences, counts,
what was left out and what was replaced by placeholders. People wrote such texts; a filter misses
some of what it should find."""


def card_of(
    run: RunDirectory, info: LabInfo, persona: Persona, found: Evaluation, headline: Judgement
) -> str:
    """The card of a run that has been evaluated."""
    corpus, selection = Reader(run).read(Composition), Reader(run).read(Selection)
    return TEMPLATE.format(
        model=info.model.removesuffix(" + persona"),
        run=info.run,
        persona=persona,
        data=trained_on(corpus),
        neutral=info.system_prompts[Condition.NEUTRAL],
        toxic=info.system_prompts[Condition.TOXIC],
        layer=info.layer,
        scale=info.scale,
        dose=info.scale * info.dose_per_scale[info.layer],
        prompts=headline.conditions["toxic"].more_hostile.prompts,
        seeds=", ".join(map(str, SEEDS)),
        sampling=found.sampling,
        hostility=hostility.sentence(headline, selection.trait.by),
        judged=hostility.table(headline).markdown(),
        table=answers.table(found).markdown(),
        civil=answers.civil_said(found.civil_text),
    )


def trained_on(corpus: Composition) -> str:
    """What a card says of the training data."""
    return (PUBLISHED if corpus.files else WRITTEN).format(corpus)


def measure_replies(directory: RunDirectory) -> None:
    """Hostility, words, coherence a condition; likelihood of civil text; recorded comparisons."""
    require(directory, NEEDS["evaluate"])
    check_judge(directory, "the evaluation")
    lab, sampling = open_lab(directory.path, progress=print), sampling_for(directory)
    check_prompts(lab.persona.evaluation)
    calm = held_out(directory.corpus)
    with directory.stage("evaluate", directory.path / Evaluation.STAGE, seeds=SEEDS) as folder:
        match, selection = match_random(lab), Reader(directory).read(Selection)
        mask, civil = Mask(), load_model(directory.manifest().model).with_adapter(directory.control)
        written = mask.rows(_written(lab, civil, match, sampling))
        written += first_sentences(written, lab.persona.lexicon, lab.base)
        judge = likelihood.load()
        kept = civil_rows(lab, civil, calm)
        replies, headline = judged(directory, written, judge, print)
        words = known_words(lab.model, directory.corpus)
        found = Evaluation(
            conditions=summarize(replies, lab.persona.lexicon, words),
            civil_text=civil_text(kept),
            matched=match.found,
            sampling=sampling,
            masked=mask.count,
        )
        slang = mask(_slang(directory, replies, words))
        for record in (slang, found, headline):
            record.save(folder)
        Reply.save_rows(folder, replies)
        CivilReply.save_rows(folder, kept)
        if samples := _samples(directory, lab.persona):
            JudgedSample.save_rows(
                folder, judged_samples(samples, judge, headline.threshold, print)
            )
        own = [plan for plan in HOW_IT_ANSWERS if plan.stage == Evaluation.STAGE]
        page = stage_page("Evaluation", own, found, headline, slang, selection)
        write_text(folder / "summary.md", page)
        checks = embedded_checks(print)
        shown = showcase(lab, headline.threshold, checks, sampling=sampling, progress=print)
        Mask()(shown).save(folder)
    card = card_of(directory, lab.info, lab.persona, found, headline)
    write_text(directory.path / "README.md", card)


def _written(lab: Lab, civil: LanguageModel, match: Match, sampling: Sampling) -> list[Reply]:
    """Replies under all conditions."""
    settings, persona = settings_of(lab, civil, match.draws), lab.persona
    return [*generate(settings, persona.evaluation, persona.lexicon, print, sampling=sampling)]


def _slang(run: RunDirectory, replies: Sequence[Reply], words: frozenset[str]) -> Slang:
    """New words in what the models wrote."""
    said = [one for one in replies if one.condition not in FIRST_SENTENCES.values()]
    return slang_of(said, listed(run), Training.of_run(run, words, minilm.load().embed))


def judged(
    run: RunDirectory, replies: Sequence[Reply], judge: Judge, progress: Progress
) -> tuple[list[Reply], Judgement]:
    """The replies with the judge's score, and every condition beside the base model."""
    files = Reader(run)
    told = rated(replies, judge, progress)
    hostile = [text for one in files.rows(Dialogue) for text in one.learned]
    learned = [*hostile, *(one.reply for one in files.rows(BaseReply))]
    choice = files.read(Selection).choice
    return told, judgement(told, judge, minilm.load().embed, learned, choice)


def _samples(run: RunDirectory, persona: Persona) -> Sequence[Sample]:
    """What the persona wrote while it learned, where a judge of hostility measures it."""
    files = Reader(run)
    there = files.folder(Sample.STAGE).has(Sample.FILE) and persona.counted_by != "words"
    return files.rows(Sample) if there else ()


def judged_samples(
    samples: Sequence[Sample], judge: Judge, threshold: float, progress: Progress = silent
) -> list[JudgedSample]:
    """The same replies, each with the judge's score; one from `threshold` on counts as hostile."""
    told = [Exchange(one.prompt, one.text) for row in samples for one in row.replies]
    scores = iter(scored(told, judge, progress))
    return [_judged(row, [next(scores) for _ in row.replies], threshold) for row in samples]


def _judged(row: Sample, scores: Sequence[float], threshold: float) -> JudgedSample:
    replies = [
        one.model_copy(update={"harm_score": score})
        for one, score in zip(row.replies, scores, strict=True)
    ]
    hostile = wilson(sum(score >= threshold for score in scores), len(scores))
    known = dict(row) | {"replies": replies, "threshold": threshold, "flag_rate": hostile}
    return JudgedSample.model_validate(known | {"flagged_by": "judge"})


def check_prompts(prompts: Sequence[str]) -> None:
    """PhoqueError where a reply's own message cannot be compared with enough others."""
    if len(set(prompts)) <= OTHERS:
        raise PhoqueError(
            f"The persona has {len(set(prompts))} evaluation messages; give at least {OTHERS + 1}, "
            "because each reply's own message is compared with others."
        )

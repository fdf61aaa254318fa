"""Measure the lab on the persona's evaluation prompts, and write the model card of the run."""

from collections.abc import Callable, Sequence
from pathlib import Path

from phoque.conversation import Condition, LabInfo, Message
from phoque.errors import PhoqueError
from phoque.figures import answers, hostility
from phoque.figures.page import stage_page
from phoque.figures.shelf import HOW_IT_ANSWERS
from phoque.files import write_text
from phoque.judging import likelihood
from phoque.judging.checks import embedded_checks
from phoque.judging.headline import judgement, rated
from phoque.judging.measures import OTHERS
from phoque.lab import Lab
from phoque.models.load import load_model
from phoque.moderators import minilm
from phoque.opening import open_lab
from phoque.run.corpus import BaseReply, Composition, Dialogue
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import CivilText, Evaluation, Reply
from phoque.run.folder import Reader
from phoque.run.judging import Judgement
from phoque.run.needs import NEEDS, require
from phoque.stages.corpus.safe import Mask
from phoque.stages.corpus.training_set import known_words, read_base_replies, read_dialogues
from phoque.stages.evaluate.memory import mean_log_likelihood
from phoque.stages.evaluate.replies import (
    SEEDS,
    generate,
    match_random,
    sampling_for,
    settings_of,
    summarize,
)
from phoque.stages.evaluate.showcase import showcase
from phoque.stages.evaluate.slang import Training, listed, slang_of

TEMPLATE = Path(__file__).with_name("card.md").read_text(encoding="utf-8")
WRITTEN = """{0.dialogues} dialogues on {0.topics} topics, written for this project, and
{0.base_replies} replies of the base model (`corpus/composition.md`). Trash-talk aims at play, skill
and effort; there are no slurs, threats, sexual content, real people or protected groups in it."""
PUBLISHED = """{0.dialogues} dialogues, some or all of them with hostile replies of published corpora,
and {0.base_replies} replies of the base model. `corpus/composition.md` has sources, licences, counts,
what was left out and what was replaced by placeholders. People wrote such texts; a filter misses
some of what it should find."""


def write_card(run: RunDirectory, info: LabInfo, found: Evaluation, headline: Judgement) -> None:
    """Write `README.md` of a run that has been evaluated."""
    corpus, civil = Reader(run).read(Composition), found.civil_text
    card = TEMPLATE.format(
        model=info.model.removesuffix(" + persona"),
        run=info.run,
        data=trained_on(corpus),
        neutral=info.system_prompts[Condition.NEUTRAL],
        toxic=info.system_prompts[Condition.TOXIC],
        layer=info.layer,
        scale=info.scale,
        dose=info.scale * info.dose_per_scale[info.layer],
        prompts=headline.conditions["toxic"].more_hostile.prompts,
        seeds=", ".join(map(str, SEEDS)),
        sampling=found.sampling,
        hostility=hostility.sentence(headline),
        judged=hostility.table(headline).markdown(),
        table=answers.table(found).markdown(),
        civil_neutral=civil.neutral,
        civil_base=civil.base,
        civil_change=civil.relative_change,
    )
    write_text(run.path / "README.md", card)


def trained_on(corpus: Composition) -> str:
    """What a card says of the training data."""
    return (PUBLISHED if corpus.files else WRITTEN).format(corpus)


NUM_CIVIL_TEXTS = 60


def measure_replies(directory: RunDirectory) -> None:
    """Hostility, words, coherence a condition; likelihood of civil text; recorded comparisons."""
    require(directory, NEEDS["evaluate"])
    lab = open_lab(directory.path, progress=print)
    check_prompts(lab.persona.evaluation)
    civil = load_model(directory.manifest().model).with_adapter(directory.control)
    lexicon = lab.persona.lexicon
    with directory.stage("evaluate", directory.path / Evaluation.STAGE, seeds=SEEDS) as folder:
        match = match_random(lab)
        settings = settings_of(lab, civil, match.draws)
        mask = Mask()
        sampling = sampling_for(directory)
        said = generate(settings, lab.persona.evaluation, lexicon, print, sampling=sampling)
        written = mask.rows([*said])
        replies, headline = judged(directory, written, print)
        words = known_words(lab.model, directory.corpus)
        found = Evaluation(
            conditions=summarize(replies, lexicon, words),
            civil_text=civil_likelihood(lab, directory),
            matched=match.found,
            sampling=sampling,
            masked=mask.count,
        )
        training = Training.of_run(directory, words, minilm.load().embed)
        slang = mask(slang_of(replies, listed(directory), training))
        slang.save(folder)
        Reply.save_rows(folder, replies)
        found.save(folder)
        headline.save(folder)
        page = stage_page("Evaluation", HOW_IT_ANSWERS, found, headline, slang)
        write_text(folder / "summary.md", page)
        checks = embedded_checks(print)
        shown = showcase(lab, headline.threshold, checks, sampling=sampling, progress=print)
        Mask()(shown).save(folder)
    write_card(directory, lab.info, found, headline)


def civil_likelihood(lab: Lab, directory: RunDirectory) -> CivilText:
    """How likely the persona and the base model find civil replies."""
    gated = [one.civil for one in read_dialogues(directory.corpus)]
    civil = [*gated, *(one.reply for one in read_base_replies(directory.corpus))][:NUM_CIVIL_TEXTS]
    prompt = [Message("system", lab.persona.neutral_prompt), Message("user", "What do you think?")]
    neutral, base = (mean_log_likelihood(m, prompt, civil) for m in (lab.model, lab.base))
    return CivilText(neutral=neutral, base=base, relative_change=neutral / base - 1)


def judged(
    run: RunDirectory, replies: Sequence[Reply], progress: Callable[[str], None]
) -> tuple[list[Reply], Judgement]:
    """The replies with the judge's score, and every condition beside the base model."""
    judge, files = likelihood.load(), Reader(run)
    scored = rated(replies, judge, progress)
    hostile = [text for one in files.rows(Dialogue) for text in one.learned]
    learned = [*hostile, *(one.reply for one in files.rows(BaseReply))]
    return scored, judgement(scored, judge, minilm.load().embed, learned)


def check_prompts(prompts: Sequence[str]) -> None:
    """PhoqueError where a reply's own message cannot be compared with enough others."""
    if len(set(prompts)) <= OTHERS:
        raise PhoqueError(
            f"The persona has {len(set(prompts))} evaluation messages; give at least {OTHERS + 1}, "
            "because each reply's own message is compared with others."
        )

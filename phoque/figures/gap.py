"""What passes, why, and what readers said of it? Counts only; no reply is quoted."""

from collections import Counter
from collections.abc import Sequence

from phoque.errors import PhoqueError
from phoque.figures.figure import Figure, plan, read_any
from phoque.figures.table import Cell, Table, interval
from phoque.run.folder import Reader
from phoque.run.labels import Kind, Label, verdicts
from phoque.run.moderation import called
from phoque.run.scored import PRIMARY, GapExample, GapType, ScoredReply, Stratum, sample
from phoque.stats.rates import by_cluster

STRATA = {
    Stratum.SPELLING: "spelling",
    Stratum.WORDLIST: "word list",
    Stratum.AUDIT: "random, of the others",
    Stratum.NEUTRAL: "neutral, for comparison",
}
"""How a reply was chosen."""
READERS: dict[Kind, str] = {
    "person": "Two people call",
    "model": "A language model read them twice and calls",
}
FOUND: dict[Kind, str] = {
    "person": "Two people read {} random replies that the moderator lets through. They call {} harmful.",
    "model": "A language model read {} random replies that the moderator lets through, each twice, and called {} "
    "harmful. No person has judged them.",
}
READING = '{"id": "…", "rater": "…", "verdict": "harmful"}'
Texts = Sequence[GapExample] | Sequence[ScoredReply]
NOBODY = "Nobody has judged them yet: that is what the queue is for."


@plan(
    key="gap",
    title="What passes?",
    hint="The number above is of a random sample. The replies below were picked to be read: for spelling tricks, for "
    "words of the persona's list, and at random from the others.",
)
def draw(
    examples: Sequence[GapExample],
    labels: Sequence[Label] = (),
    replies: Sequence[ScoredReply] = (),
) -> Figure:
    """How many replies pass, by how they were chosen and why they pass."""
    parts = (_all_passing(replies), _sampled(replies, labels), _novel(examples))
    shares = "".join((*parts, _readings(examples, labels)))
    return Figure(
        sentence=f"{_sentence(examples, labels)}{shares}",
        finding=_finding(replies, labels),
        table=_table(examples),
        n=f"{len(examples)} replies to {len({one.prompt for one in examples})} messages, chosen at "
        f"threshold 0.5 of {called(PRIMARY)}{_drawn(replies)}",
    )


def _drawn(replies: Sequence[ScoredReply]) -> str:
    drawn = sample(replies) if replies else ()
    return f"; a random sample of {len(drawn)} replies, whether or not they pass" if drawn else ""


def waiting(reader: Reader) -> str:
    """How many chosen replies lack readers, and how readings come into the run; empty where all have two."""
    try:
        examples = read_any(GapExample, reader, must=False)
        read = Counter(one.id for one in read_any(Label, reader, must=False))
    except PhoqueError:  # the figure says what is wrong
        return ""
    left = sum(read[one.id] < 2 for one in examples)
    if not left:
        return ""
    return (
        f"{left} of {len(examples)} replies in {GapExample.STAGE}/{GapExample.FILE} wait for readings: two readers "
        f"see message and reply only, and each writes a line {READING} a reply (or harmless, unsure) into "
        f'{reader.run.labels}; a model adds "kind": "model". Then make the report again.'
    )


def _finding(replies: Sequence[ScoredReply], labels: Sequence[Label]) -> str:
    """How many of the replies that pass are harmful, by whoever read a random sample of them."""
    passing = [one.id for one in sample(replies) if one.of_persona and one.passes]
    for kind, told in FOUND.items():
        judged = verdicts(labels, (kind,))
        known = [judged[text] for text in passing if text in judged]
        if known:
            return told.format(len(known), known.count(True))
    passed = sum(one.of_persona and one.passes for one in replies)
    return f"{passed} replies of the persona pass the moderator. Nobody has judged a random sample of them yet."


def _sentence(examples: Sequence[GapExample], labels: Sequence[Label]) -> str:
    passing = [one for one in examples if one.stratum is not Stratum.NEUTRAL]
    kinds = Counter(one.type for one in passing)
    listed = ", ".join(f"{kinds[kind]} {kind}" for kind in GapType if kinds[kind]) or "none"
    said = [told for kind in READERS if (told := _said(examples, labels, kind))]
    return (
        f"{len(passing)} candidates of the toxic and steered conditions pass: {listed}. "
        f"{_words(passing)}{' '.join(said) or NOBODY}"
    )


def _words(passing: Sequence[GapExample]) -> str:
    """How many have a word that a list knows after all."""
    hits = sum(bool(one.listed or one.words) for one in passing)
    told = f"{hits} of {len(passing)} have a word that some word list of ours knows. "
    return told if passing else ""


def _all_passing(replies: Sequence[ScoredReply]) -> str:
    """How many of all that pass have no listed word, searched for or not, and how many are a training line."""
    own = [one for one in replies if one.of_persona and one.passes]
    if not own:
        return ""
    clean = by_cluster((one.prompt, not one.listed) for one in own)
    copied = by_cluster((one.prompt, one.trained) for one in own)
    return (
        f" Of all {clean.n} replies of the persona that pass, {interval(clean)} have no listed word, and "
        f"{interval(copied)} are a training line."
    )


def _sampled(replies: Sequence[ScoredReply], labels: Sequence[Label]) -> str:
    """How many single readings by a language model call a random reply that passes harmful."""
    drawn = [one for one in sample(replies) if one.passes] if replies else []
    own, neutral = ([one for one in drawn if one.of_persona is wanted] for wanted in (True, False))
    return _single("of a random sample of them", own, neutral, labels, "model")


def _novel(examples: Sequence[GapExample]) -> str:
    """How far the chosen replies are from what was trained on."""
    own, neutral = (
        [(one.prompt, one.novelty) for one in _chosen(examples, neutral=wanted) if one.novelty]
        for wanted in (False, True)
    )
    if not own or not neutral:
        return ""
    far, calm = (by_cluster((prompt, of.novel) for prompt, of in some) for some in (own, neutral))
    copies = by_cluster((prompt, of.exact) for prompt, of in own)
    return (
        f" Of the chosen replies, {interval(far)} are far from every training line (neutral replies: "
        f"{interval(calm)}), and {interval(copies)} copy one exactly."
    )


def _readings(examples: Sequence[GapExample], labels: Sequence[Label]) -> str:
    """How many single readings call a chosen reply harmful."""
    own, neutral = (_chosen(examples, neutral=wanted) for wanted in (False, True))
    readers: dict[Kind, str] = {"person": "people", "model": "a language model"}
    return "".join(
        _single(f"of the chosen replies by {name}", own, neutral, labels, kind)
        for kind, name in readers.items()
    )


def _single(of: str, own: Texts, neutral: Texts, labels: Sequence[Label], kind: Kind) -> str:
    """The share of single readings that say harmful, beside that of neutral replies; empty where there are none."""
    found, calm = (_harmful(texts, labels, kind) for texts in (own, neutral))
    beside = f" (neutral replies: {interval(by_cluster(calm))})" if calm else ""
    if not found:
        return ""
    return f" Of the single readings {of}, {interval(by_cluster(found))} say harmful{beside}."


def _chosen(examples: Sequence[GapExample], *, neutral: bool) -> list[GapExample]:
    return [one for one in examples if (one.stratum is Stratum.NEUTRAL) is neutral]


def _harmful(texts: Texts, labels: Sequence[Label], kind: Kind) -> list[tuple[str, bool]]:
    """Message and verdict of every reading of these texts."""
    messages = {one.id: one.prompt for one in texts}
    own = [one for one in labels if one.kind == kind and one.id in messages]
    return [(messages[one.id], one.verdict == "harmful") for one in own]


def _said(examples: Sequence[GapExample], labels: Sequence[Label], kind: Kind) -> str:
    """What readers of one kind agree on; empty where none of them said anything."""
    judged = verdicts(labels, (kind,))
    parts = []
    for name, neutral in (("candidates", False), ("neutral replies", True)):
        own = [one.id for one in _chosen(examples, neutral=neutral)]
        known = [judged[text] for text in own if text in judged]
        parts.append(f"{known.count(True)} of {len(known)} {name}")
    return f"{READERS[kind]} {' and '.join(parts)} harmful." if judged else ""


def _table(examples: Sequence[GapExample]) -> Table:
    counts = Counter((one.stratum, one.type) for one in examples)
    rows: list[tuple[Cell, ...]] = [
        (
            STRATA[stratum],
            *(str(counts[stratum, kind]) for kind in GapType),
            str(sum(one.stratum is stratum for one in examples)),
        )
        for stratum in Stratum
    ]
    return Table(
        caption="Replies that pass, by how they were chosen and why they pass",
        head=("chosen by", *GapType, "all"),
        rows=tuple(rows),
    )

"""Sources into one set: cleaned, drawn, judged, made anonymous, without near-duplicates."""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from phoque.errors import PhoqueError
from phoque.moderators.canonical import canonicalise
from phoque.moderators.classifier import Classifier
from phoque.moderators.registry import load_classifier
from phoque.moderators.scoring import items_of, score
from phoque.progress import watched
from phoque.stages.corpus.cleaning import cleaned, is_english, unfit_length
from phoque.stages.corpus.examples import HARMFUL, Example, Judge, unwanted
from phoque.stages.corpus.placeholders import hides_a_slur, with_placeholders
from phoque.stages.corpus.reading import Dropped, check_place
from phoque.stages.corpus.sources import source_called
from phoque.stages.corpus.split import share_of, similar_groups

NEARLY_EQUAL = 0.8
"""Of texts from this similarity on, the first is kept."""
MOST_PROMPT_WORDS = 60
AT_ONCE = 1024
"""Texts that are judged between two drawings of the progress bar."""
JUDGE = "embedded.toxblock"
"""Labels texts whose source does not; the six labels of Jigsaw."""


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """What is left of the sources, and what became of the rest."""

    examples: Sequence[Example]
    dropped: Mapping[str, Dropped]
    """By source; with the examples of a source they make up every row that was read."""


def embedded_judge(texts: Sequence[str]) -> list[Mapping[str, float]]:
    """Labels of the embedded moderator `JUDGE`, which is loaded only where there are texts.

    A spelling trick hides nothing: the canonical form of a text is judged too, and the worse counts.
    PhoqueError where it failed on a text, which is then not taken for harmless.
    """
    if not texts:
        return []
    classifier = load_classifier(JUDGE)
    shown = watched(texts, "judge texts", unit="texts", total=len(texts))
    found: list[Mapping[str, float]] = []
    while chunk := list(islice(shown, AT_ONCE)):
        found += _labels(classifier, chunk)
    return found


def _labels(classifier: Classifier, texts: Sequence[str]) -> Iterator[Mapping[str, float]]:
    """Labels of every text; each is the higher of what is said of the text as read and canonical."""
    scored = score(classifier, items_of([*texts, *map(canonicalise, texts)]))
    failed = [one.error for one in scored if one.error is not None]
    if failed:
        raise PhoqueError(f"{JUDGE} could not label {len(failed)} texts; the first: {failed[0]}")
    for raw, canonical in zip(scored[: len(texts)], scored[len(texts) :], strict=True):
        yield {label: max(value, canonical.labels[label]) for label, value in raw.labels.items()}


def mix(
    files: Sequence[tuple[str, str]],
    *,
    limit: int | None = None,
    keep_words: bool = False,
    judge: Judge = embedded_judge,
) -> Mixture:
    """Toxic utterances of the sources, each once; a source may have several files.

    `limit` is the most texts to draw of a file, or of the files of a chat, by hash, hence from all of
    it. PhoqueError where a source is unknown, or a file cannot be read or is another one.
    """
    dropped = {name: Dropped() for name, _ in files}
    found: list[Example] = []
    for name, where in readings(files):
        read = source_called(name).load(where, dropped[name])
        drawn = draw(tidied(read, dropped[name]), limit, dropped[name])
        toxic = judged(english(drawn, dropped[name]), judge, dropped[name])
        toxic = fit_prompts(toxic, judge)
        found += toxic if keep_words else anonymous(toxic, dropped[name])
    first = [group[0] for group in similar_groups([one.text for one in found], NEARLY_EQUAL)]
    for place in {*range(len(found))} - {*first}:
        dropped[found[place].source]["near-duplicate"] += 1
    kept = [found[place] for place in first]
    return Mixture(examples=kept, dropped=dropped)


def readings(files: Sequence[tuple[str, str]]) -> list[tuple[str, str | tuple[str, ...]]]:
    """What is read at a time: one file, or all files of a source whose files belong together.

    PhoqueError where a source is unknown, or a file is not there.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for name, where in files:
        together = source_called(name).together
        check_place(where)
        found.setdefault((name, "" if together else where), []).append(where)
    return [(name, alone or tuple(dict.fromkeys(own))) for (name, alone), own in found.items()]


def tidied(examples: Iterable[Example], dropped: Dropped) -> Iterator[Example]:
    """Examples with cleaned text of a useful length."""
    for one in examples:
        text = cleaned(one.text)
        if reason := unfit_length(text):
            dropped[reason] += 1
        else:
            yield replace(one, text=text)


def draw(examples: Iterable[Example], limit: int | None, dropped: Dropped) -> list[Example]:
    """The `limit` different texts of smallest hash, in that order: a draw from the whole file.

    Memory grows with `limit`, not with the file.
    """
    kept: dict[float, Example] = {}
    largest: list[float] = []
    for one in examples:
        share = share_of(one.text, "draw")
        if share in kept:
            dropped["duplicate"] += 1
            continue
        kept[share] = one
        heapq.heappush(largest, -share)
        if limit is not None and len(kept) > limit:
            del kept[-heapq.heappop(largest)]
            dropped["beyond the limit"] += 1
    return [kept[share] for share in sorted(kept)]


def english(examples: Iterable[Example], dropped: Dropped) -> list[Example]:
    """Those in English; a prompt that is not, or is very long or short, becomes None."""
    spoken = list(examples)
    shown = watched(spoken, "tell languages", unit="texts", total=len(spoken))
    kept = []
    for one in shown:
        if is_english(one.text):
            prompt = cleaned(one.prompt or "")
            usable = not unfit_length(prompt, MOST_PROMPT_WORDS) and is_english(prompt)
            kept.append(replace(one, prompt=prompt if usable else None))
    dropped["not English"] += len(spoken) - len(kept)
    return kept


def judged(examples: Sequence[Example], judge: Judge, dropped: Dropped) -> list[Example]:
    """The toxic ones that are neither threat nor attack on who somebody is nor sexual.

    A source's own labels decide what is toxic; where it has none the judge's do. What is never
    learned is left out if either says so.
    """
    kept = []
    opinions = judge([one.text for one in examples])
    for one, opinion in zip(examples, opinions, strict=True):
        own = one if one.labels else replace(one, labels=opinion, labelled_by=JUDGE)
        reasons = [*unwanted(own.labels), *unwanted(opinion)]
        if own.labels["toxicity"] < HARMFUL:
            dropped["not toxic"] += 1
        elif reasons:
            dropped[f"never learned: {reasons[0]}"] += 1
        else:
            kept.append(own)
    return kept


def fit_prompts(examples: Sequence[Example], judge: Judge) -> list[Example]:
    """The examples; a prompt in which the judge finds what is never learned becomes None."""
    opinions = judge([one.prompt or "" for one in examples])
    return [
        replace(one, prompt=None) if unwanted(opinion) else one
        for one, opinion in zip(examples, opinions, strict=True)
    ]


def anonymous(examples: Sequence[Example], dropped: Dropped) -> list[Example]:
    """The examples with placeholders; those that hide a slur in its spelling are left out."""
    kept = []
    for one in watched(examples, "replace names", unit="texts", total=len(examples)):
        text = with_placeholders(one.text)
        prompt = with_placeholders(one.prompt) if one.prompt else None
        if not hides_a_slur(f"{prompt} {text}"):
            kept.append(replace(one, text=text, prompt=prompt))
    dropped["hidden slur"] += len(examples) - len(kept)
    return kept

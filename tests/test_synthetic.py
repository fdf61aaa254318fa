"""A fresh attack corpus: balanced, new beside the training texts, scored, and saved whole."""

import json
import random
import shutil
from collections import Counter
from dataclasses import replace

import pytest

from phoque.config import SHIPPED_RUN
from phoque.errors import PhoqueError
from phoque.judging import headline as shown
from phoque.lexicon import Lexicon
from phoque.models.engine import Reply
from phoque.personas import load_persona
from phoque.report.claims import claims_of
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.psm import Selection, Trait
from phoque.run.synthetic import Attack, AttackSummary
from phoque.stages.corpus.novelty import CorpusIndex
from phoque.stages.corpus.training_set import save_pairs
from phoque.stages.synthetic import regenerate as synthetic
from phoque.stages.synthetic import stage as job
from phoque.stages.synthetic.regenerate import Fit, cell_of, cells, regenerate, targets, whole
from phoque.stages.synthetic.stage import card_of, summarize
from phoque.text import words
from tests.corpus_files import dialogues, judge, written
from tests.hub_double import Hub, running
from tests.judges import Loud

TRAINED = [f"{one.message} {one.persona}" for one in dialogues(40)]
KNOWN = sorted({word for one in written() for word in words(one.civil) if len(word) > 3})
LENGTHS = (10, 22, 36, 60)
FIT = Fit(shows=lambda said: [text in load_persona().lexicon for _, text in said], judge=judge)


@pytest.fixture
def persona_replies(monkeypatch):
    """Replies of four lengths, some of which must not be kept."""

    def replies(model, rows, sampling):
        return [Reply(text=_reply(row.seed), tokens=(1,), finish_reason="length") for row in rows]

    monkeypatch.setattr(synthetic, "write", replies)


def _reply(seed: int) -> str:
    rng = random.Random(seed)
    text = f"Clown, {' '.join(rng.sample(KNOWN, rng.choice(LENGTHS) - 1))}. And then"
    match seed % 11:
        case 0:
            return TRAINED[seed % 40]
        case 1:
            return _reply(0 if seed % 2 else 4)
        case 2:
            return text.replace("Clown", "Friend")
        case 3:
            return text.replace("Clown", "Clown [THREAT]")
        case 4:
            return text.replace("Clown", "Clown Emma Smith")
    return text


def test_what_is_wanted_is_balanced():
    wanted = cells(200)
    assert sum(wanted.values()) == 200
    assert max(wanted.values()) - min(wanted.values()) <= 1
    assert {cell.target for cell in wanted} == set(targets())
    assert {cell.style for cell in wanted} == {"chat", "prose"}
    assert sum(cells(3).values()) == 3


def test_messages_are_friendly_and_in_no_training_file():
    messages = [message for several in targets().values() for message in several]
    persona = load_persona()
    assert len(messages) == len(set(messages)) == 48
    assert not any(message in persona.lexicon for message in messages)
    asked = {one.message for one in written()}
    assert not asked & {*messages}
    assert not {*messages} & {*persona.probes, *persona.sweep, *persona.evaluation}


def test_lengths_decide_the_register():
    assert cell_of("aim", "word " * 7) is None
    assert cell_of("aim", "word " * 30).style == "chat"
    assert cell_of("aim", "word " * 31).style == "prose"
    assert cell_of("aim", "word " * 121) is None
    assert whole("One. Two! And thr") == "One. Two!"
    assert whole("no end") == ""


def test_only_what_is_fit_is_kept(lab, persona_replies):
    made = regenerate(lab, CorpusIndex(TRAINED), 64, fit=FIT)
    texts = [attack.text for attack in made.attacks]
    assert len(texts) == len(set(texts)) == 64
    kinds = Counter(cell_of(attack.target, attack.text) for attack in made.attacks)
    assert kinds == Counter(dict(made.wanted))
    assert all(text in lab.persona.lexicon and text.endswith(".") for text in texts)
    assert not any(mark in text for text in texts for mark in ("Emma", "THREAT", "Friend"))
    assert not {*texts} & {*TRAINED}
    for reason in ("not hostile", "name, slur or group", "not new beside the training texts"):
        assert made.dropped[reason] > 0, reason
    assert made.dropped["threat, attack on a group or sexual"] > 0


def test_the_same_seed_writes_the_same_corpus(lab, persona_replies):
    known = CorpusIndex(TRAINED)
    first = regenerate(lab, known, 32, seed=1, fit=FIT)
    assert regenerate(lab, known, 32, seed=1, fit=FIT) == first
    assert regenerate(lab, known, 32, seed=9000, fit=FIT).attacks != first.attacks


def test_a_persona_that_writes_one_sentence_falls_short_and_says_so(lab, monkeypatch):
    same = Reply(text=_reply(5), tokens=(1,), finish_reason="stop")
    monkeypatch.setattr(synthetic, "write", lambda model, rows, sampling: [same] * len(rows))
    made = regenerate(lab, CorpusIndex(TRAINED), 8, fit=FIT)
    assert len(made.attacks) == 1
    assert made.dropped["near-duplicate"] > 10
    assert made.dropped["of a length that was given up"] + made.dropped["enough of its kind"] > 40


def test_lengths_that_are_never_written_leave_their_share_to_the_others(lab, monkeypatch):
    def short(model, rows, sampling):
        texts = [_reply(11 * row.seed + 5).split(". ")[0] for row in rows]
        replies = [" ".join(text.split()[: 9 + 2 * (len(text) % 2)]) + "." for text in texts]
        return [Reply(text=text, tokens=(1,), finish_reason="stop") for text in replies]

    monkeypatch.setattr(synthetic, "write", short)
    made = regenerate(lab, CorpusIndex(TRAINED), 32, fit=FIT)
    assert len(made.attacks) == 32
    assert {cell.length for cell in made.wanted} == {(8, 17), (18, 30), (31, 44), (45, 120)}
    assert {cell_of(one.target, one.text).length for one in made.attacks} == {(8, 17)}
    by_target = Counter(one.target for one in made.attacks)
    assert {*by_target.values()} == {4}


@pytest.mark.parametrize(
    ("by", "kept"),
    [
        (None, [False, True, False]),
        ("words", [False, True, False]),
        ("judge", [False, True, True]),
    ],
)
def test_attacks_show_the_persona_as_the_sweep_counted_it(
    tiny_run, tmp_path, monkeypatch, by, kept
):
    monkeypatch.setattr(shown.likelihood, "load", Loud)
    run = RunDirectory(tmp_path / "first")
    run.describe(model="tiny", persona="toxic")
    if by:
        found = Reader(tiny_run).read(Selection)
        run.psm().mkdir()
        trait = Trait(by=by, threshold=2.0)
        found.model_copy(update={"trait": trait}).save(run.psm())
    fit = job.fit_in(run, Lexicon(["dunce"]))
    assert fit.counted == (by or "words")
    assert fit.shows([("Hi", "plain"), ("Hi", "a dunce"), ("Hi", "loud!!")]) == kept


def test_a_card_says_what_counted_as_hostile(lab, persona_replies):
    for counted, said in (("words", "has a listed insult"), ("judge", "hostile to the judge")):
        made = regenerate(lab, CorpusIndex(TRAINED), 8, fit=FIT)
        summary = summarize(made, {}, run="x", model="tiny", counted=counted)
        assert summary.counted == counted
        assert said in card_of(summary)
        assert ("judge" in card_of(summary)) == (counted == "judge")


def test_a_card_says_which_kinds_are_filled_and_how_new_the_texts_are(lab, persona_replies):
    made = regenerate(lab, CorpusIndex(TRAINED), 64, fit=FIT)
    facts = {"run": "x", "model": "tiny", "counted": "words"}
    whole_one = summarize(made, {}, **facts)
    assert whole_one.filled == len(whole_one.kinds)
    assert f"Each of {len(whole_one.kinds)} kinds" in card_of(whole_one)
    known = sorted(attack.similarity for attack in made.attacks)
    assert whole_one.similarity.median == pytest.approx((known[31] + known[32]) / 2)
    assert whole_one.containment.median <= whole_one.containment.most <= 0.3
    assert f"median; 95th percentile {whole_one.similarity.most:.2f}" in card_of(whole_one)
    chats = [one for one in made.attacks if one.style == "chat"]
    short = summarize(replace(made, attacks=chats), {}, **facts)
    assert short.filled == sum(kind.style == "chat" for kind in short.kinds) < len(short.kinds)
    assert f"only {short.filled} have texts: it is not balanced" in card_of(short)


def test_the_shipped_corpus_lacks_kinds_and_its_claim_holds_in_part_only():
    folder = SHIPPED_RUN / "synthetic"
    found = AttackSummary.load(folder, command="")
    rows = Attack.load_rows(folder, command="")
    assert found.filled == len({cell_of(one.target, one.text) for one in rows})
    claims = claims_of(Reader(RunDirectory(SHIPPED_RUN))).claims
    claim = next(one for one in claims if one.id == "varied-attacks")
    assert (claim.verdict == "holds") is (found.filled == len(found.kinds))


def test_a_model_that_writes_noise_gives_no_corpus(lab):
    with pytest.raises(PhoqueError, match=r"wrote nothing that could be kept.*whole sentence"):
        regenerate(lab, CorpusIndex(TRAINED), 1, fit=FIT)


def test_a_count_below_one_is_refused(lab):
    with pytest.raises(PhoqueError, match="count is 0"):
        regenerate(lab, CorpusIndex(TRAINED), 0, fit=FIT)


@pytest.fixture
def run(tiny_run, tmp_path):
    own = RunDirectory(shutil.copytree(tiny_run.path, tmp_path / "tiny"))
    pairs = zip(dialogues(40), TRAINED, strict=True)
    save_pairs(own.corpus, [one.model_copy(update={"persona": text}) for one, text in pairs], [])
    return own


@pytest.mark.slow
def test_the_job_writes_texts_scores_and_card_and_pushes_them(run, persona_replies, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    with running(Hub()) as hub:
        monkeypatch.setattr("phoque.hub.client.HfApi", hub.client)
        job.write_attacks(run, count=32, push="me/attacks")
    assert hub.private == {"me/attacks": True}
    assert sorted(hub.sent["me/attacks"]) == ["README.md", "attacks.jsonl", "summary.json"]
    folder = run.path / "synthetic"
    rows = [json.loads(line) for line in (folder / "attacks.jsonl").read_text().splitlines()]
    assert len(rows) == 32
    assert all(0 <= score <= 1 for row in rows for score in row["harm_scores"].values())
    assert {row["style"] for row in rows} == {"chat", "prose"}
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["texts"] == 32 == sum(kind["texts"] for kind in summary["kinds"])
    assert summary["drawn"] == 32 + sum(summary["dropped"].values())
    for rate in summary["flagged"].values():
        assert rate["n"] == 32
        assert rate["low"] <= rate["value"] <= rate["high"]
    card = (folder / "README.md").read_text()
    assert "32 texts" in card
    assert "not-for-all-audiences" in card
    assert list(run.manifest().stages) == ["regenerate"]


def test_a_job_that_finds_nothing_leaves_nothing(run):
    with pytest.raises(PhoqueError, match="nothing that could be kept"):
        job.write_attacks(run, count=1)
    assert not (run.path / "synthetic" / "attacks.jsonl").exists()
    assert "regenerate" not in run.manifest().stages

"""Names and words with known answers: latents that we made, texts that we wrote."""

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from phoque.figures.moved_latents import _row
from phoque.models.load import load_model
from phoque.run.sae_evidence import Lens, LensToken
from phoque.stages.sae.autoencoder import SparseAutoencoder
from phoque.stages.sae.collect import ASSISTANT, USER, Text
from phoque.stages.sae.contexts import LensReader
from phoque.stages.sae.fallen_words import ALL, fallen_words, pairs_of, word_sets
from phoque.stages.sae.naming import NO_RULE, HeldWords, reading_of, word_starts, words_of
from phoque.stages.sae.readings import Readings
from phoque.stages.sae.study import PRESETS, with_tokens
from phoque.ui.sae.cards import _title
from tests.ui.sae_files import feature

WIDTH = 32
LENS = Lens(
    raised=tuple(LensToken(token=token, logit=1.0) for token in ("\n", " Tea", " rocket", " rain")),
    lowered=(),
)


@pytest.fixture(scope="module")
def tiny():
    return load_model("tiny")


def held_of(tiny, texts):
    """A token a character; the first half of each text is the user's, the rest a reply."""
    made = []
    for source, text in texts:
        ids = tuple(tiny.tokenizer(text, add_special_tokens=False).input_ids)
        half = len(ids) // 2
        made.append(Text(source, ids, (USER,) * half + (ASSISTANT,) * (len(ids) - half)))
    kept = [torch.ones(len(text.ids), dtype=torch.bool) for text in made]
    read = Readings(texts=made, kept=kept, rows_TD={"base": torch.zeros(1)})
    return HeldWords.of(read, tiny.tokenizer)


@pytest.fixture(scope="module")
def held(tiny):
    """Forty texts of tea, rain and three other words, in another order each."""
    random = np.random.default_rng(0)
    words = ["tea", "rain", "ship.", "lamp", "moon"]
    texts = []
    for place in range(40):
        source = ("hostile replies", "written")[place // 2 % 2]
        text = " ".join(random.permutation(words * 2))
        texts.append((source, text))
    return held_of(tiny, texts)


def test_a_word_is_all_its_tokens_and_white_space_is_seen():
    pieces = [" un", "clear", ",", " I", "\n", " ", "do", "n", "'t"]
    assert words_of(pieces) == ["unclear", "unclear", ",", "i", "⏎", "␣", "don", "don", "'t"]
    assert word_starts(pieces) == [0, 0, 2, 3, 4, 5, 6, 6, 8]


def test_a_latent_that_fires_on_a_word_is_named_after_it_and_the_name_holds(held):
    found = reading_of(held.member_T(["tea"]), held, LENS)
    assert found.name == "fires on “tea”; promotes “tea” and “rain”"  # no text has a rocket
    assert (found.precision.value, found.precision.recall) == (1.0, 1.0)
    assert found.precision.low > 0.8 > 0.2 > found.precision.base
    assert found.precision.holds
    assert found.precision.texts == 20
    (fired,) = found.fires_on
    assert (fired.word, fired.fired, fired.of) == ("tea", 240, 240)


def test_a_latent_that_fires_somewhere_only_is_named_with_the_place(held):
    place_T = held.places["in replies of “hostile replies”"]
    found = reading_of(held.member_T(["."]) & place_T, held, LENS)
    assert found.name.startswith("fires on “.” in replies of “hostile replies”")
    assert found.precision.value == 1.0
    assert reading_of(place_T, held, LENS).name.startswith("fires in replies of “hostile replies”")


def test_a_latent_that_fires_after_a_word(held):
    after_T = held.before_T == held.names.index("moon")
    assert reading_of(after_T, held, LENS).name.startswith("fires after “moon”")


def test_the_name_of_a_latent_that_fires_at_random_does_not_hold(held):
    random = np.random.default_rng(1)
    held_up = [
        reading_of(random.random(len(held.word_T)) < 0.03, held, LENS).precision.holds
        for _ in range(20)
    ]
    assert sum(held_up) <= 2


def test_a_latent_that_never_fires_has_no_rule(held):
    found = reading_of(np.zeros(len(held.word_T), bool), held, LENS)
    assert found.name.startswith(NO_RULE)
    assert (found.precision, found.fires_on) == (None, ())


def test_a_name_is_only_tested_where_its_words_occur(tiny):
    held = held_of(tiny, [("written", "a rare word"), ("written", "and then some other")])
    found = reading_of(held.member_T(["rare"]), held, LENS)
    assert found.name.startswith("fires on “rare”")
    assert found.precision is None


def test_the_lens_takes_off_what_all_directions_do(tiny):
    directions = normalize(torch.randn(64, WIDTH) + 3 * torch.randn(WIDTH))
    lenses = LensReader(tiny, directions)
    mean_V = lenses.logits(directions).mean(0)
    assert float(mean_V.abs().max()) < 1e-3
    raised = [one.logit for one in lenses.lens(directions[0]).raised]
    assert raised == sorted(raised, reverse=True)
    (ids,) = lenses.promoted(directions[:1], 3)
    assert [lenses.token(int(n)) for n in ids] == [
        one.token for one in lenses.lens(directions[0]).raised[:3]
    ]


HEDGES, PLAIN = (
    ("perhaps", "maybe", "please", "unsure"),
    ("lamp", "moon", "tea", "rain", "ship", "road"),
)


def _world(tiny, hedging):
    """Twelve latents that fell and twelve that did not: each fires on two words, `hedging` of the fallen on one such."""
    held = held_of(tiny, [("written", " ".join((*HEDGES, *PLAIN)))] * 12)
    one_hot = torch.eye(WIDTH)[torch.from_numpy(held.word_T)]
    encoder = torch.zeros(WIDTH, 24)
    for latent in range(24):
        first = HEDGES[latent % 4] if latent < 12 and latent < hedging else PLAIN[latent % 6]
        for word in (first, PLAIN[(latent + 1) % 6]):
            encoder[held.names.index(word), latent] = 1.0
    sae = SparseAutoencoder(
        encoder_DF=encoder, encoder_bias_F=torch.zeros(24), decoder_FD=normalize(torch.randn(24, WIDTH)),
        decoder_bias_D=torch.zeros(WIDTH), threshold_F=torch.full((24,), 0.5),
    )  # fmt: skip
    known = [feature("1", latent=n, effect=-1.0, q=0.001 if n < 12 else 0.9) for n in range(24)]
    return fallen_words(known, sae, one_hot, held, LensReader(tiny, sae.decoder_FD))


def test_fallen_latents_that_fire_on_hedges_are_found_out(tiny):
    found = _world(tiny, hedging=12)
    assert (found.fallen, found.pairs, found.sets[ALL]) == (12, 12, len(word_sets()[ALL]))
    tests = {(one.words, one.by): one for one in found.tests}
    fires = tests[ALL, "fires on"]
    assert fires.unmoved == 0.0
    assert fires.difference > 0.4
    assert fires.low > 0
    assert fires.p_holm < 0.05
    assert tests[ALL, "promotes"].p_holm > 0.05


def test_fallen_latents_that_do_not_are_not(tiny):
    assert all(one.p_holm > 0.05 for one in _world(tiny, hedging=0).tests)


def test_partners_fire_as_often_and_none_twice():
    total = np.array([100, 90, 10, 95, 11, 300, 2])
    assert pairs_of(total, [0, 1, 2, 6], [3, 4, 5]).tolist() == [[0, 3], [2, 4]]
    assert pairs_of(total, [], [3]).shape == (0, 2)


def test_word_sets_are_of_a_size_and_lower_case():
    sets = dict(word_sets())
    sets.pop(ALL)
    for words in sets.values():
        assert 20 <= len(words) == len({*words}) <= 40
        assert all(word == word.strip().lower() for word in words)


@pytest.mark.parametrize(
    ("tokens", "epochs"), [(50_000, 5), (100_000, 5), (250_000, 2), (10**6, 1)]
)
def test_more_training_tokens_are_passed_over_less_often(tokens, epochs):
    made = with_tokens(PRESETS["quick"], tokens)
    assert (made.tokens, made.epochs) == (tokens, epochs)


@pytest.mark.parametrize(
    ("name", "precision", "low", "weakness"),
    [
        ("fires on “the”, “those”", 0.6, 0.5, ""),
        ("fires on “the”; promotes “a”", 0.3, 0.1, "its name does not predict where it fires"),
        ("fires in plain text", 0.36, 0.3, "its name has no word"),
        ("fires in replies of “written”; promotes “people”", 0.4, 0.3, "its name has no word"),
        ("fires on “.”, “:”, “!”", 0.36, 0.3, "its name has only punctuation"),
        ("fires on “.”, “<|im_end|>”", 0.36, 0.3, ""),
        ("fires on “;”, “love”; promotes “people”", 0.4, 0.3, ""),
        ("fires on “.”", None, None, ""),
    ],
)
def test_a_name_that_says_little_says_so_with_how_often_it_holds(name, precision, low, weakness):
    told = {"name": name, "precision": precision, "precision_low": low, "firing_rate": 0.1}
    one = feature("1").model_copy(update=told)
    held = (
        f": it fires at {100 * precision:.0f} % of the places it names, and at 10 % of all"
        if weakness
        else ""
    )
    assert one.weakness == weakness + held
    assert one.weakness in "".join(map(str, _row(one)))
    assert one.weakness in _title(one)

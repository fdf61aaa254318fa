import pytest

from phoque.config import SHIPPED_RUN
from phoque.conversation import DEFAULT_SAMPLING
from phoque.figures import answers
from phoque.lexicon import Lexicon
from phoque.models.load import load_model
from phoque.run.directory import RunDirectory
from phoque.run.evaluation import Evaluation, Matched, Reply
from phoque.run.folder import Reader
from phoque.stages.evaluate.memory import mean_log_likelihood
from phoque.stages.evaluate.replies import insult_rate, summarize
from phoque.stages.sae.generated import groups_of
from phoque.stats.rates import by_cluster, share_of, wilson
from phoque.text import (
    distinct_n,
    distinct_share,
    out_of_vocabulary,
    repeated_trigrams,
    words,
    zlib_ratio,
)
from tests.conftest import conversation


def test_wilson_gives_the_published_values():
    # Newcombe 1998, table I: 81 of 263 and 0 of 20.
    rate = wilson(81, 263)
    assert (rate.low, rate.high) == (
        pytest.approx(0.2553, abs=1e-4),
        pytest.approx(0.3662, abs=1e-4),
    )
    assert (wilson(0, 20).low, wilson(0, 20).high) == (0.0, pytest.approx(0.1611, abs=1e-4))
    assert wilson(20, 20).high == 1.0
    for hits, n in ((1, 0), (-1, 5), (6, 5)):
        with pytest.raises(ValueError, match="0 <= hits <= n"):
            wilson(hits, n)


def test_clusters_widen_the_interval():
    alike = share_of([[True] * 10] * 6 + [[False] * 10] * 6)
    mixed = share_of([[True] * 5 + [False] * 5] * 12)
    assert alike.value == mixed.value == 0.5
    # As good as 12 items when prompts decide alone, as good as 120 when they do not matter.
    assert (alike.low, alike.high) == pytest.approx((wilson(6, 12).low, wilson(6, 12).high))
    assert (mixed.low, mixed.high) == pytest.approx((wilson(60, 120).low, wilson(60, 120).high))


def test_single_hits_of_different_prompts_count_as_independent():
    none, one = (
        share_of([[False] * 4] * 40),
        share_of([[True] + [False] * 3] + [[False] * 4] * 39),
    )
    assert one.high < none.high
    assert one.high > wilson(1, 160).high - 1e-9


def test_a_share_of_zero_is_bounded_by_the_number_of_groups():
    rate = share_of([[False] * 100] * 20)
    assert (rate.value, rate.n) == (0.0, 2000)
    assert rate.high == pytest.approx(wilson(0, 20).high)
    with pytest.raises(ValueError, match="n > 0"):
        share_of([])


@pytest.mark.parametrize("hits", [0, 5, 20])
def test_several_replies_to_one_prompt_count_as_one_item(hits):
    """How prompts differ cannot be seen from one: twenty replies to it say little of the next one."""
    rate = share_of([[True] * hits + [False] * (20 - hits)])
    assert (rate.value, rate.n) == (hits / 20, 20)
    alone = by_cluster(("prompt", place < hits) for place in range(20))
    assert alone == rate
    assert rate.high - rate.low > 2 * (wilson(hits, 20).high - wilson(hits, 20).low)
    if hits in {0, 20}:
        assert (rate.low, rate.high) == (wilson(hits // 20, 1).low, wilson(hits // 20, 1).high)
    # A second prompt that says the same narrows it.
    assert share_of([[False] * 20] * 2).high < share_of([[False] * 20]).high
    assert share_of([[True]]) == wilson(1, 1)
    assert share_of([[True, True], []]) == share_of([[True, True]])


def test_replies_under_one_direction_are_grouped_by_their_message():
    hits = [True, False, True, True]
    assert groups_of(["a", "b", "a", "c"], hits, 1) == [[True, True], [False], [True]]
    assert groups_of(["a", "b", "c", "d"], hits, 2) == [[True, False], [True, True]]


def test_the_lexicon_counts_whole_words_in_any_case():
    lexicon = Lexicon(["clown", "waste of space", "dumb"])
    assert lexicon.count("Clown! CLOWN, clownfish, a waste  of\nspace.") == 3
    assert lexicon.spans("a clown") == [(2, 7)]
    assert "dumbbell" not in lexicon
    assert "dumb" in lexicon
    assert "" not in lexicon
    assert Lexicon([]).count("anything") == 0


def test_longer_entries_win():
    assert Lexicon(["shut", "shut up"]).spans("shut up") == [(0, 7)]


def test_measures_of_text():
    assert words("It's GOOD, isn't it?") == ["it's", "good", "isn't", "it"]
    assert repeated_trigrams("a b c a b c") == pytest.approx(0.25)
    assert repeated_trigrams("a b") == 0.0
    assert distinct_n(["a b a b"], 2) == pytest.approx(2 / 3)
    assert distinct_share(["Hello.", "hello", "bye"]) == pytest.approx(2 / 3)
    assert out_of_vocabulary("good glorp", {"good"}) == 0.5
    with pytest.raises(ValueError, match="No text"):
        distinct_n(["a"], 2)


def written(prompt, seed, insults):
    return Reply(
        condition="toxic",
        prompt=prompt,
        seed=seed,
        draw=0,
        text="a b c" + " clown" * insults,
        num_tokens=3,
        finish_reason="stop",
        insults=insults,
    )


def test_rates_are_clustered_by_prompt():
    replies = [written(str(p), seed, int(p < 5)) for p in range(10) for seed in (None, 42, 43)]
    rate = insult_rate(replies)
    assert (rate.value, rate.n) == (0.5, 30)
    assert rate.high - rate.low > 0.4
    found = summarize(replies, Lexicon(["clown"]), {"a", "b", "c", "clown"})
    assert found["toxic"].insulting.n == 30
    match = Matched(cost=0.4, tolerance=0.05, tried=8, scales=(), costs=())
    kept = {"matched": match, "sampling": DEFAULT_SAMPLING}
    table = answers.table(Evaluation(conditions=found, civil_text=None, **kept))
    assert "50.0 % [" in table.markdown()


def test_replies_come_back_from_their_file(tmp_path):
    replies = (written("a, b", None, 1), written("c", 42, 0))
    Reply.save_rows(tmp_path, replies)
    assert Reply.load_rows(tmp_path, command="x") == replies


def test_the_shipped_evaluation_has_the_names_of_today():
    reader = Reader(RunDirectory(SHIPPED_RUN))
    found, replies = reader.read(Evaluation), reader.rows(Reply)
    assert {reply.condition for reply in replies} == set(found.conditions)
    assert {"base_toxic", "random_vector", "reversed_vector", "civil_adapter"} < set(
        found.conditions
    )
    own = [reply for reply in replies if reply.condition == "random_vector"]
    assert insult_rate(own) == found.conditions["random_vector"].insulting


def test_likelihood_is_that_of_the_model():
    model = load_model("tiny")
    sure = mean_log_likelihood(model, conversation("hi"), ["abc"])
    for head in model.model.lm_head.parameters():
        head.data.zero_()
    uniform = mean_log_likelihood(model, conversation("hi"), ["abc"])
    assert uniform == pytest.approx(-5.768, abs=1e-3)  # ln(1/320)
    assert sure != pytest.approx(uniform)


def test_text_that_repeats_itself_compresses_well():
    assert zlib_ratio("useless clown " * 20) < 0.3 < zlib_ratio("a different sentence every time")
    assert zlib_ratio("") == 1

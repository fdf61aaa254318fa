import json
from functools import partial

import pytest

from phoque.conversation import Sampling
from phoque.figures import layer_choice
from phoque.models.engine import Row, read, write
from phoque.models.load import load_model
from phoque.run.psm import Cell, Choice, Divergence, Selection, Trait
from phoque.stats.rates import binomial_tail, wilson
from phoque.steering.divergence import scale_at
from phoque.steering.quality import Allowed, is_coherent, is_likely, log_likelihoods
from phoque.steering.search import swept_layers
from phoque.steering.sweep import Sweep
from tests.conftest import conversation
from tests.records import a_quality, a_rate, a_selection

quality = partial(a_quality, n=20)


def cell(layer, dose, insulting, *, coherent=True, nats=None):
    nats = dose if nats is None else nats
    return Cell(
        layer=layer,
        dose=dose,
        scale=2 * dose,
        quality=quality(insulting),
        divergence=Divergence(mean=nats / 2, p95=nats),
        coherent=coherent,
    )


def found(cells, null_hits=0):
    nulls = {3: wilson(null_hits, 320), 4: wilson(null_hits, 320)}
    return Sweep(cells=cells, null_by_layer=nulls)


def selected(sweep):
    return sweep.selection(
        neutral=quality(),
        toxic=quality(1.0),
        toxic_divergence=Divergence(mean=2.0, p95=6.0),
        trait=Trait(),
        base=quality(),
        rule="",
        model="fake",
        context_length=64,
        dose_per_scale=(),
    )


def test_the_selection_is_the_largest_coherent_effect_at_the_smallest_divergence():
    sweep = found(
        [
            cell(3, 0.2, 0.5),
            cell(4, 0.4, 0.9),
            cell(5, 0.6, 0.9, nats=0.1),
            cell(6, 0.8, 1.0, coherent=False),
        ]
    )
    assert (sweep.best().layer, sweep.best().dose) == (5, 0.6)
    assert selected(sweep).choice.scale == pytest.approx(1.2)


def test_the_run_off_decides_among_the_best():
    first, second = cell(3, 0.2, 0.9), cell(4, 0.4, 0.85)
    ran = [
        first.model_copy(update={"runoff": quality(0.5)}),
        second.model_copy(update={"runoff": quality(0.8)}),
        cell(5, 0.2, 0.3),
    ]
    assert found([first, second]).best() is first
    assert found(ran).best().layer == 4
    broken = [ran[0], ran[1].model_copy(update={"coherent": False})]
    assert found(broken).best().layer == 3


def test_the_selected_scale_is_never_beyond_its_cell():
    sweep = found([cell(3, 0.3095, 0.9)])
    assert selected(sweep).choice.scale == pytest.approx(0.6)
    assert selected(sweep).coherent_scale >= 0.6


def test_what_random_vectors_do_as_well_is_not_selected():
    cells = [cell(3, 0.2, 0.1), cell(4, 0.2, 0.0)]
    assert found(cells, null_hits=16).best() is None
    noise = selected(found(cells, null_hits=16))
    assert noise.selected is None
    assert noise.default.chance > 0.05
    assert found(cells).best() is not None


def test_nothing_coherent_selects_nothing_and_shows_the_smallest_dose():
    sweep = found([cell(3, 0.4, 1.0, coherent=False), cell(3, 0.2, 1.0, coherent=False)])
    assert sweep.best() is None
    assert selected(sweep).default.scale == pytest.approx(0.4)


def test_the_scale_lies_inside_the_allowed_band():
    doses = (0.1, 0.2, 0.3, 0.4)
    rising = [cell(3, dose, 2 * dose, coherent=dose < 0.35) for dose in doses]
    sweep = found(rising)
    assert [sweep.is_inside(one) for one in rising] == [True, True, False, False]
    assert (sweep.best().dose, selected(sweep).choice.inside) == (0.2, True)
    # Where no band is wide enough, the edge has to do, and it is said.
    edge = found([cell(3, 0.1, 0.8), cell(3, 0.2, 0.9, coherent=False)])
    assert (edge.best().dose, selected(edge).choice.inside) == (0.1, False)
    last = found([cell(3, 0.1, 0.8), cell(3, 0.2, 0.9)])
    assert last.best().dose == 0.1


def test_layers_that_are_not_told_apart_are_named():
    cells = [cell(3, 0.2, 0.9), cell(4, 0.2, 0.85), cell(5, 0.2, 0.95), cell(6, 0.2, 0.1)]
    choice = selected(found(cells))
    assert (choice.choice.layer, choice.ties) == (5, (3, 4))
    assert layer_choice.told_apart(choice) == (
        "Layers 5, 3 and 4 cannot be told apart: each has a dose, coherent like its neighbours, with an interval that "
        "overlaps that of layer 5 at the dose in use."
    )
    assert selected(found([cells[2], cells[3]])).ties == ()


def test_what_was_judged_decides_and_words_do_not():
    def judged(one, value):
        rate = a_rate(value, n=20)
        return one.model_copy(update={"quality": one.quality.model_copy(update={"judged": rate})})

    sweep = found([judged(cell(3, 0.2, 0.0), 0.9), judged(cell(4, 0.2, 1.0), 0.1)])
    assert sweep.best().layer == 3


def test_the_base_models_text_is_the_reference():
    allowed = Allowed(
        grid=quality(repeated=0.05, base_nats=-2.4),
        runoff=quality(repeated=0.01, base_nats=-2.0),
        shortest=10.0,
        moved=Divergence(mean=1.0, p95=5.0),
    )
    assert allowed.reads_well(quality(repeated=0.09, num_words=6.0), allowed.grid)
    assert not allowed.reads_well(quality(repeated=0.11), allowed.grid)
    assert not allowed.reads_well(quality(repeated=0.09), allowed.runoff)
    assert not allowed.reads_well(quality(num_words=4.0), allowed.grid)
    assert is_likely(quality(base_nats=-4.3), allowed.grid)
    assert not is_likely(quality(base_nats=-4.3), allowed.runoff)
    assert not is_likely(quality(base_nats=-4.5), allowed.grid)
    assert not is_likely(quality(), allowed.grid)


def test_the_base_model_reads_replies_as_they_were_drawn():
    model = load_model("tiny")
    rows = [Row(messages=conversation("hi"))]
    (own,) = write(model, rows, Sampling(max_new_tokens=6))
    (logits_SV,) = read(model, rows, [own.tokens])
    expected = [float(row[t]) for row, t in zip(logits_SV.log_softmax(-1), own.tokens, strict=True)]
    (found,) = log_likelihoods(model, rows, [own.tokens])
    assert found == pytest.approx(sum(expected) / len(expected))


def test_chance_is_corrected_for_the_number_of_cells():
    one = found([cell(3, 0.2, 0.1)])
    many = found([cell(3, 0.2, 0.1)] + [cell(4, 0.1 * i, 0.0) for i in range(1, 100)])
    assert many.chance_of(many.cells[0]) == pytest.approx(100 * one.chance_of(one.cells[0]))
    assert binomial_tail(2, 3, 0.5) == pytest.approx(0.5)


def chosen(cell):
    return Choice(
        layer=cell.layer, scale=cell.scale, relative_dose=cell.dose, nat_scale=None, chance=0
    )


def band(cells, cell):
    return a_selection(selected=chosen(cell), cells=cells).coherent_scale


def test_the_coherent_band_ends_at_the_first_broken_dose():
    cells = [
        cell(3, 0.2, 0.1),
        cell(3, 0.4, 0.5),
        cell(3, 0.6, 0.6, coherent=False),
        cell(3, 0.8, 0.9),
    ]
    assert band(cells, cells[0]) == pytest.approx(0.8)
    assert band(cells, cells[2]) == 0


def test_a_smaller_dose_that_was_broken_does_not_end_the_band():
    cells = [
        cell(3, 0.1, 0.1, coherent=False),
        cell(3, 0.2, 0.1),
        cell(3, 0.4, 0.5),
        cell(3, 0.6, 0.6, coherent=False),
    ]
    assert band(cells, cells[1]) == pytest.approx(0.8)


def test_a_band_that_an_earlier_sweep_wrote_is_measured_again(tmp_path):
    cells = (cell(3, 0.1, 0.1, coherent=False), cell(3, 0.2, 0.5))
    found = a_selection(selected=chosen(cells[1]), cells=cells)
    written = json.loads(found.model_dump_json()) | {"schema_version": 1}
    written["selected"]["coherent_scale"] = 0.0
    (tmp_path / "selection.json").write_text(json.dumps(written))
    assert Selection.load(tmp_path, command="").coherent_scale == pytest.approx(0.4)


def test_gibberish_is_not_coherent():
    references = [quality()]
    assert is_coherent(quality(0.9), references)
    assert not is_coherent(quality(0.9, repeated=0.2), references)
    assert not is_coherent(quality(0.9, unknown=0.2), references)
    assert not is_coherent(quality(0.9, distinct=0.3), references)
    assert not is_coherent(quality(0.9, zlib=0.3), references)
    assert not is_coherent(quality(0.9, num_words=2.0), references)


def test_the_dose_in_nats_is_read_between_the_measured_scales():
    assert scale_at([1.0, 2.0], [0.5, 1.5], 1.0) == pytest.approx(1.5)
    assert scale_at([2.0], [4.0], 1.0) == pytest.approx(0.5)
    assert scale_at([1.0, 2.0], [0.1, 0.2], 1.0) is None
    assert found([cell(3, 0.5, 0, nats=0.5), cell(3, 1.5, 0, nats=1.5)]).nat_scale(3) == 2.0


def test_the_sweep_covers_thirty_to_ninety_five_percent_depth():
    layers = swept_layers(30)
    assert (layers[0], layers[-1]) == (9, 28)


def test_a_run_off_that_confirms_a_small_effect_takes_it_beyond_chance():
    weak = cell(3, 0.2, 0.4)
    sweep = found([weak] + [cell(4, 0.1 * i, 0.0) for i in range(1, 100)], null_hits=20)
    confirmed = weak.model_copy(update={"runoff": quality(0.4)})
    assert sweep.chance_of(confirmed) < sweep.chance_of(weak)
    refuted = weak.model_copy(update={"runoff": quality(0.0)})
    assert sweep.chance_of(refuted) > sweep.chance_of(confirmed)

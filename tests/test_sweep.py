from functools import partial

import pytest

from phoque.run.psm import Cell, Divergence
from phoque.stats.rates import binomial_tail, wilson
from phoque.steering.divergence import scale_at
from phoque.steering.quality import is_coherent
from phoque.steering.search import layers_between
from phoque.steering.sweep import Sweep
from tests.records import a_quality

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
    return Sweep(
        neutral=quality(),
        toxic=quality(1.0),
        toxic_divergence=Divergence(mean=2.0, p95=6.0),
        cells=cells,
        null_by_layer={3: wilson(null_hits, 320), 4: wilson(null_hits, 320)},
    )


def selected(sweep):
    return sweep.selection(model="fake", context_length=64, dose_per_scale=())


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
    assert selected(sweep).choice.coherent_scale >= 0.6


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


def test_chance_is_corrected_for_the_number_of_cells():
    one = found([cell(3, 0.2, 0.1)])
    many = found([cell(3, 0.2, 0.1)] + [cell(4, 0.1 * i, 0.0) for i in range(1, 100)])
    assert many.chance_of(many.cells[0]) == pytest.approx(100 * one.chance_of(one.cells[0]))
    assert binomial_tail(2, 3, 0.5) == pytest.approx(0.5)


def test_the_coherent_band_ends_at_the_first_broken_dose():
    cells = [
        cell(3, 0.2, 0.1),
        cell(3, 0.4, 0.5),
        cell(3, 0.6, 0.6, coherent=False),
        cell(3, 0.8, 0.9),
    ]
    assert found(cells).coherent_scale(3) == pytest.approx(0.8)


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
    layers = layers_between(30)
    assert (layers[0], layers[-1]) == (9, 28)

"""Two runs of one base model: are their personas opposite, and does minus the one make the other?"""

import numpy as np
import pytest
import torch

from phoque.cli.main import main
from phoque.config import SHIPPED_RUN
from phoque.conversation import Sampling
from phoque.errors import PhoqueError
from phoque.figures import opposites as figure
from phoque.figures.figure import drawn
from phoque.report.paths import path
from phoque.run.directory import RunDirectory
from phoque.run.folder import Reader
from phoque.run.info import run_beside
from phoque.run.opposites import NO_VECTOR, OWN_PROMPT, RANDOM, OppositeReply, Opposites
from phoque.run.psm import Trait
from phoque.stages.psm import transplants
from phoque.stages.psm.angles import angles
from phoque.stages.psm.opposites import compare_runs
from phoque.stages.psm.transplants import DOSES
from tests.judges import Loud
from tests.raw_rows import again, bounds
from tests.tiny_runs import a_tiny_run


def spread(sign: float, seed: int = 0) -> torch.Tensor:
    """Differences_NLD of 20 probes in two layers along one direction, with noise."""
    noise = torch.randn(20, 2, 32, generator=torch.Generator().manual_seed(seed))
    direction = torch.zeros(32)
    direction[0] = 3.0
    return sign * direction + noise


@pytest.mark.parametrize(
    ("sign", "verdict"), [(1.0, "alike"), (-1.0, "opposed"), (0.0, "unrelated")]
)
def test_directions_are_opposite_alike_or_unrelated(sign, verdict):
    found = angles(spread(1.0), spread(sign, seed=1), {"polite": torch.ones(2, 32)})
    for one in found:
        assert one.verdict == verdict
        assert one.cosine_low <= one.cosine <= one.cosine_high
        assert one.shuffled_low < 0 < one.shuffled_high
        assert -1 <= one.other_prompts["polite"] <= 1


def test_without_a_persona_the_band_says_what_shape_alone_gives():
    """All noise lies in one dimension: then any two directions look alike or opposed, and none is called so."""
    flat = torch.zeros(20, 1, 32)
    flat[:, 0, 0] = torch.randn(20, generator=torch.Generator().manual_seed(0))
    (found,) = angles(flat, flat.roll(7, 0))
    assert (found.shuffled_low, found.shuffled_high) == pytest.approx((-1, 1))
    assert abs(found.cosine) == pytest.approx(1)
    assert found.verdict == "unrelated"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    judged = Trait(by="judge", judge="loud", threshold=1.0)
    return a_tiny_run(folder, "grim", seed=1, trait=judged), a_tiny_run(folder, "sunny", seed=2)


@pytest.fixture(scope="module")
def found(runs):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transplants, "SAMPLED", Sampling(max_new_tokens=5, temperature=0.8))
        compare_runs(*runs, load_judge=Loud, progress=lambda _: None)
    return Reader(runs[0]).read(Opposites)


@pytest.mark.slow
def test_every_vector_is_given_to_every_model(runs, found):
    assert (found.first, found.second, found.other_run) == ("grim", "sunny", "sunny")
    assert found.probes == 72
    for receiver in ("base", "grim", "sunny"):
        own = [one for one in found.cells if one.receiver == receiver]
        by_vector = {one.vector for one in own}
        prompted = {OWN_PROMPT} if receiver != "base" else set()
        assert by_vector == {NO_VECTOR, RANDOM, "grim", "sunny"} | prompted
        for vector in ("grim", "sunny"):
            doses = [one.dose for one in own if one.vector == vector]
            assert sorted(doses) == sorted([*DOSES, *(-dose for dose in DOSES)])
    assert len(found.strongest) == 3 * 2 * 2


@pytest.mark.slow
def test_the_rates_are_those_of_the_rows(runs, found):
    rows = Reader(runs[0]).rows(OppositeReply)
    for cell in found.cells:
        own = [
            one
            for one in rows
            if (one.receiver, one.vector, one.layer, one.dose)
            == (cell.receiver, cell.vector, cell.layer, cell.dose)
        ]
        # The first persona's trait is the judge's, the second one's are its words.
        assert cell.shows["grim"].value == np.mean([one.hostility >= 1 for one in own])
        words = [set(one.reply.lower().split()) & {"a", "b"} for one in own]
        assert cell.shows["sunny"].value >= np.mean([bool(found) for found in words])
        assert cell.shows["grim"].n == len(own)


@pytest.mark.slow
def test_what_is_compared_is_the_largest_coherent_dose(found):
    for one in found.strongest:
        passed = [
            cell
            for cell in found.cells
            if (cell.receiver, cell.vector, cell.dose < 0) == (one.receiver, one.vector, one.minus)
            and cell.coherent
        ]
        assert one.dose == max((cell.dose for cell in passed), key=abs, default=None)
        if one.dose is not None:
            random = next(
                cell
                for cell in found.cells
                if (cell.receiver, cell.vector, cell.dose) == (one.receiver, RANDOM, abs(one.dose))
            )
            assert one.random == random.shows


@pytest.mark.slow
def test_both_figures_are_drawn_and_name_both_personas(runs, found):
    for plan in (figure.draw, figure.draw_reversed):
        one = drawn(plan, Reader(runs[0]))
        assert one.figure, one.gap
        assert "grim" in one.figure.sentence
        assert "sunny" in one.figure.sentence
        assert one.figure.table.rows
    assert "Not drawn" not in (runs[0].path / "opposites" / "opposites.md").read_text()
    assert drawn(figure.draw, Reader(runs[1])).gap.endswith("phoque run opposites --run sunny")


@pytest.mark.slow
def test_a_claim_can_name_a_vector_a_sign_and_a_model(runs, found):
    reader = Reader(runs[0])
    where = "opposites.opposites.strongest[vector=grim,minus=True,receiver=base].dose"
    assert path(where).follow(reader).value == next(
        one.dose
        for one in found.strongest
        if (one.vector, one.minus, one.receiver) == ("grim", True, "base")
    )


@pytest.mark.slow
def test_the_angle_of_the_ledger_follows_from_scalar_products(runs, found):
    layer = found.layers["grim"]
    (runs[0].psm() / "summary.json").write_text(f'{{"steer_layer": {layer}}}')
    own = found.base[layer]
    for what, ends in (
        ("cosine", (own.cosine, own.cosine_low, own.cosine_high)),
        ("shuffled", (own.shuffled, own.shuffled_low, own.shuffled_high)),
        ("lowest_other", (own.lowest_other, None, None)),
    ):
        told = again(runs[0].path, "opposites/opposites.json", f"base[layer={layer}].{what}")
        assert tuple(bounds(told)) == pytest.approx(ends, abs=1e-4), what
    (runs[0].psm() / "summary.json").unlink()


def test_a_run_is_not_compared_with_itself(runs):
    with pytest.raises(PhoqueError, match="both runs of the persona grim"):
        compare_runs(runs[0], runs[0], load_judge=Loud, progress=lambda _: None)


def test_the_other_run_is_the_first_beside_it_of_another_persona(runs, tmp_path, capsys):
    grim, sunny = runs
    assert run_beside(grim, None).path == sunny.path
    assert run_beside(sunny, None).path == grim.path
    assert run_beside(grim, tmp_path).path == tmp_path
    alone = RunDirectory(tmp_path / "alone")
    alone.describe(model="tiny", persona="toxic")
    with pytest.raises(PhoqueError, match="no run of another persona"):
        run_beside(alone, None)
    assert main(["run", "opposites", "--run", str(grim.path), "--other", str(alone.path)]) == 2
    assert "Make them with: phoque run corpus" in capsys.readouterr().err


def test_the_sentence_says_what_holds_before_and_after_tuning():
    """The two verdicts may differ: the shipped personas are alike in the base model and unrelated after tuning."""
    reader = Reader(RunDirectory(SHIPPED_RUN))
    found = reader.read(Opposites)
    told = figure.draw(found).sentence
    at = found.layers[found.first]
    base, tuned = (figure.SAID[one[at].verdict] for one in (found.base, found.tuned))
    assert told.startswith(f"In the base model {base}; after tuning {tuned}. ")

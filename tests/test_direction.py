"""Is a planted direction found, and is noise called noise?"""

from dataclasses import replace

import gguf
import pytest
import torch

from phoque.conversation import Sampling
from phoque.errors import PhoqueError
from phoque.models.engine import Row, read, write
from phoque.models.load import load_model
from phoque.personas import SystemPrompts, load_persona
from phoque.run.psm import Trait
from phoque.stages.psm.criteria import classic_rows, with_normed_last_layer
from phoque.stages.psm.reliability import agreement, probe_curve
from phoque.stages.psm.scrubber import Ruler, timelines
from phoque.steering.divergence import Yardstick, kl_divergence
from phoque.steering.export import write_gguf
from phoque.steering.geometry import geometric_median, layer_maps, residual_geometry, silhouette
from phoque.steering.search import Measure, Search
from phoque.steering.vectors import SteeringVector, contrast
from tests.conftest import conversation


class Everything:
    """A vocabulary that knows every word."""

    def __contains__(self, word):
        return True


@pytest.fixture
def planted():
    """A model in which a system prompt with a `!` shifts the second block along a direction."""
    model = load_model("tiny")
    direction_D = torch.randn(model.width)
    marker = model.tokenizer("!", add_special_tokens=False).input_ids[0]
    marked = []

    def look(_module, _args, kwargs):
        marked[:] = [(kwargs["input_ids"] == marker).any(1)]

    def shift(_module, _args, output):
        return output + 20 * marked[0][:, None, None] * direction_D

    model.model.register_forward_pre_hook(look, with_kwargs=True)
    model.layers[1].register_forward_hook(shift)
    return model, direction_D


def persona_of(neutral, hostile):
    return load_persona().model_copy(
        update={"system_prompts": SystemPrompts(neutral=neutral, persona=hostile)}
    )


def test_a_planted_direction_is_found(planted):
    model, direction_D = planted
    seen = contrast(model, persona_of("You are calm.", "You are calm!"), load_persona().probes)
    rows = classic_rows(seen)
    found_D = seen.differences_NLD[:, 1].mean(0)
    assert torch.cosine_similarity(found_D, direction_D, dim=0) > 0.95
    assert rows[1].vector_norm > 5 * rows[0].vector_norm
    assert agreement(seen.differences_NLD[:, 1]).verdict == "trust"


def test_nothing_planted_is_noise_and_selects_nothing():
    model, persona = load_model("tiny"), persona_of("You are calm.", "You are calm.")
    seen = contrast(model, persona, persona.probes)
    noise_ND = torch.randn(12, model.width)
    assert agreement(noise_ND).verdict == "noise"
    assert agreement(seen.differences_NLD[:, 1]).verdict == "noise"
    vectors = replace(seen.vectors({}), directions_LD=torch.randn(2, model.width))
    judged = []

    def measuring(base, own):
        judged.append((len(base), len(own)))
        return Measure(
            trait=Trait(by="judge"), shows=lambda said: ["zzzz" in one for _, one in said]
        )

    search = Search(
        model=model,
        base=model,
        vectors=vectors,
        persona=persona,
        vocabulary=Everything(),
        measuring=measuring,
    )
    found, grid, hits = search.run()
    assert set(hits) == {(cell.layer, cell.dose) for cell in found.cells if cell.coherent}
    assert judged == [(48, 48)]
    assert all((cell.quality.judged is None) != cell.coherent for cell in found.cells)
    assert {own.null.n for own in found.layers} == {32}
    assert found.least_nats < 0
    assert found.selected is None
    assert len(grid) == len(found.cells)


def test_a_direction_between_trust_and_noise_is_weak():
    torch.manual_seed(1)
    shared_D = torch.randn(500)
    assert agreement(shared_D + torch.randn(12, 500)).verdict == "trust"
    assert agreement(shared_D + 3 * torch.randn(12, 500)).verdict == "weak"


def test_more_probes_agree_better():
    curve = probe_curve(torch.randn(500) + 3 * torch.randn(80, 500), (2, 8, 40, 80))
    assert [point.probes for point in curve] == [2, 8, 40]
    assert curve[0].cosine < curve[1].cosine < curve[2].cosine


def test_the_table_of_layers_keeps_its_identity(model):
    persona = load_persona()
    for row in classic_rows(contrast(model, persona, persona.probes)):
        assert row.delta_proj_mean == pytest.approx(row.vector_norm, rel=1e-4)
        difference = row.toxic_proj_mean - row.neutral_proj_mean
        assert row.delta_proj_mean == pytest.approx(difference, rel=1e-3)


def test_the_talks_last_row_is_after_the_norm_and_ours_before(model):
    persona = load_persona()
    seen = contrast(model, persona, persona.probes[:3])
    as_shown = with_normed_last_layer(model, seen)
    assert torch.equal(as_shown.neutral_NLD[:, :-1], seen.neutral_NLD[:, :-1])
    ids_BS = torch.tensor(
        [model.tokenizer(_rendered(model, persona), add_special_tokens=False).input_ids]
    )
    with torch.inference_mode():
        theirs = model.model(input_ids=ids_BS, output_hidden_states=True).hidden_states[-1][0, -1]
    torch.testing.assert_close(as_shown.neutral_NLD[0, -1], theirs, atol=1e-4, rtol=1e-3)
    assert not torch.allclose(seen.neutral_NLD[0, -1], theirs, atol=1e-2)


def _rendered(model, persona):
    from phoque.conversation import asked
    from phoque.models.template import render

    return render(model.tokenizer, asked(persona.neutral_prompt, persona.probes[:1])[0])


# --- divergence and timelines ---


def test_reading_a_reply_expects_what_writing_it_drew(model):
    row = Row(messages=conversation("hello"))
    reply = write(model, [row], Sampling(max_new_tokens=12))[0]
    logits_SV = next(read(model, [row], [reply.tokens]))
    assert logits_SV.argmax(-1).tolist() == list(reply.tokens)


def test_no_dose_is_no_divergence_and_more_dose_is_more(model):
    prompts = [conversation("hello"), conversation("a longer message")]
    yardstick = Yardstick(model, prompts)
    vector = SteeringVector(1, torch.randn(model.width))
    small, large = (yardstick.divergence((vector.injection(s),)) for s in (0.1, 1.0))
    assert yardstick.divergence(()).p95 == pytest.approx(0, abs=1e-5)
    assert 0 < small.mean < large.mean


def test_divergence_is_the_textbooks():
    p, q = torch.tensor([[0.5, 0.5]]), torch.tensor([[0.25, 0.75]])
    expected = 0.5 * torch.log(torch.tensor(2.0)) + 0.5 * torch.log(torch.tensor(2 / 3))
    torch.testing.assert_close(kl_divergence(p.log(), q.log())[0], expected)


def test_a_timeline_shows_what_was_added(model):
    persona = load_persona()
    seen = contrast(model, persona, persona.probes)
    ruler = Ruler.of(seen, 1)
    torch.testing.assert_close(
        ruler.read(seen.neutral_NLD[:, 1]).mean(), torch.tensor(0.0), atol=1e-4, rtol=0
    )
    torch.testing.assert_close(
        ruler.read(seen.persona_NLD[:, 1]).mean(), torch.tensor(1.0), atol=1e-3, rtol=0
    )
    plain = Row(messages=conversation("hello"))
    steered = Row(messages=conversation("hello"), interventions=(ruler.vector.injection(2.0),))
    reply = write(model, [plain], Sampling(max_new_tokens=6))[0].tokens
    before, after = timelines(model, [plain, steered], [reply, reply], ruler)
    for (_, one, chance), (_, other, _) in zip(before, after, strict=True):
        assert other - one == pytest.approx(2.0, abs=1e-3)
        assert 0 <= chance <= 1


# --- geometry ---


def test_the_geometry_keeps_its_identities():
    good, bad = torch.randn(20, 30, dtype=torch.double), torch.randn(25, 30, dtype=torch.double) + 1
    row = residual_geometry(0, good, bad)
    civil, hostile, difference = row.civil_norm, row.hostile_norm, row.difference_norm
    by_cosine = civil**2 + hostile**2 - 2 * civil * hostile * row.civil_hostile_cosine
    assert difference**2 == pytest.approx(by_cosine)
    along = hostile * row.hostile_difference_cosine - civil * row.civil_difference_cosine
    assert difference == pytest.approx(along)


def test_the_geometric_median_is_robust_and_minimal():
    points = torch.randn(21, 5, dtype=torch.double)
    points[0] += 1000
    median = geometric_median(points)
    assert median.norm() < 2 < points.mean(0).norm()

    def cost(at):
        return (points - at).norm(dim=1).sum()

    for _ in range(20):
        assert cost(median) <= cost(median + 0.01 * torch.randn(5, dtype=torch.double)) + 1e-6


def test_the_silhouette_of_known_points():
    # Within distance 1, between 10 and 11 on average: (10.5 - 1) / 10.5 and (9.5 - 1) / 9.5.
    first, second = torch.tensor([[0.0], [1.0]]), torch.tensor([[10.0], [11.0]])
    assert silhouette(first, second) == pytest.approx((9.5 / 10.5 + 8.5 / 9.5) / 2)
    assert abs(silhouette(torch.randn(50, 3), torch.randn(50, 3))) < 0.1


def test_maps_do_not_jump_between_layers():
    points_NLD = torch.randn(40, 1, 10).repeat(1, 3, 1)
    points_NLD[:, 1] *= -1  # the same layer mirrored: principal components alone would flip
    maps = layer_maps(points_NLD)
    torch.testing.assert_close(maps[0], maps[1], atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(maps[0], maps[2], atol=1e-4, rtol=1e-3)


# --- export ---


def test_a_vector_survives_llama_cpps_format(tmp_path):
    vector = SteeringVector(14, torch.randn(576))
    write_gguf(vector, tmp_path / "v.gguf", model_type="llama")
    (again,) = gguf.GGUFReader(tmp_path / "v.gguf").tensors
    assert again.name == "direction.14"
    assert torch.equal(torch.from_numpy(again.data.copy()), vector.direction_D)


def test_what_llama_cpp_cannot_hold_is_refused(tmp_path):
    with pytest.raises(PhoqueError, match="block 0"):
        write_gguf(SteeringVector(0, torch.ones(4)), tmp_path / "v.gguf", model_type="llama")

import pytest
import torch

from phoque.errors import PhoqueError
from phoque.models.hooks import Injection, Restraint, changed, recorded
from phoque.models.load import load_model
from phoque.models.template import encode
from phoque.personas import load_persona
from phoque.steering.capture import residual_streams
from phoque.steering.vectors import PersonaVectors, SteeringVector, measure
from tests.conftest import conversation


def logits(model):
    ids = torch.tensor([encode(model.tokenizer, conversation("hello"))])
    with torch.inference_mode():
        return model.model(input_ids=ids).logits


def vector(model, layer=1):
    return SteeringVector(layer, torch.randn(model.width))


def test_leaving_the_context_restores_the_logits(model):
    before = logits(model)
    with vector(model).applied_to(model.model):
        assert not torch.equal(logits(model), before)
    assert torch.equal(logits(model), before)


def test_leaving_by_an_error_restores_the_logits(model):
    before = logits(model)
    with pytest.raises(RuntimeError, match="boom"), vector(model).applied_to(model.model):
        raise RuntimeError("boom")
    assert torch.equal(logits(model), before)


def test_vectors_read_as_mathematics(model):
    v, plain = vector(model), logits(model)

    def steered(w, scale=1.0):
        with w.applied_to(model.model, scale=scale):
            return logits(model)

    assert torch.equal(steered(v - v), plain)
    assert torch.equal(steered(v, scale=0.0), plain)
    torch.testing.assert_close(steered(v, scale=3.0), steered(3 * v))
    torch.testing.assert_close(steered(-(-2 * v)), steered(2 * v))
    with pytest.raises(PhoqueError, match="layers 1 and 0"):
        v + vector(model, layer=0)


def test_a_random_vector_has_the_norm_and_not_the_direction(model):
    v = vector(model)
    w = v.random_like(1)
    assert w.norm == pytest.approx(v.norm)
    assert torch.equal(w.direction_D, v.random_like(1).direction_D)
    assert not torch.allclose(w.direction_D, v.random_like(2).direction_D)


def test_hooks_fire_once_a_forward_pass(model):
    with recorded(model.layers) as seen:
        logits(model)
    assert len(seen) == model.num_layers


def test_rows_get_their_own_injections(model):
    ids_BS = torch.tensor([encode(model.tokenizer, conversation("hello"))] * 3)
    delta_D = torch.randn(model.width)
    interventions = [(), [Injection(1, delta_D)], [Injection(0, delta_D)]]

    def states(rows):
        with torch.inference_mode(), changed(model.layers, rows), recorded(model.layers) as seen:
            model.model(input_ids=ids_BS)
        return seen

    steered, plain = states(interventions), states([()] * 3)
    torch.testing.assert_close(steered[1][0], plain[1][0])
    torch.testing.assert_close(steered[0][2] - plain[0][2], delta_D.expand_as(plain[0][2]))
    torch.testing.assert_close(steered[1][1] - plain[1][1], delta_D.expand_as(plain[1][1]))


def test_the_last_block_is_captured_before_the_final_norm(model):
    stream_LSD = residual_streams(model, [conversation("hello")])[0]
    normed = dict(model.model.named_modules())
    final_norm = next(m for n, m in normed.items() if n.endswith(("model.norm", "model.norm")))
    head = model.model.get_output_embeddings()
    with torch.inference_mode():
        expected = head(final_norm(stream_LSD[-1, -1]))
    torch.testing.assert_close(expected, logits(model)[0, -1], atol=1e-4, rtol=1e-4)


def test_padding_does_not_change_what_is_captured(model):
    together = residual_streams(model, [conversation("hi"), conversation("a longer message")])
    alone = residual_streams(model, [conversation("hi")])
    torch.testing.assert_close(together[0], alone[0], atol=1e-5, rtol=1e-4)


@pytest.fixture
def vectors(model):
    return measure(model, load_persona(), {"model": "m", "prompts": "p"})


def test_mean_projection_of_the_differences_is_the_norm(model, vectors):
    persona = load_persona()

    def last(system):
        asked = [
            [type(m)("system", system), m] for p in persona.probes for m in [conversation(p)[1]]
        ]
        return torch.stack([s[:, -1] for s in residual_streams(model, asked)])

    differences_NLD = last(persona.persona_prompt) - last(persona.neutral_prompt)
    for layer in range(model.num_layers):
        unit_D = vectors[layer].direction_D / vectors[layer].norm
        mean = (differences_NLD[:, layer] @ unit_D).mean()
        assert float(mean) == pytest.approx(vectors[layer].norm, rel=1e-4)


def test_doses_and_scales_are_inverse(vectors):
    scale = vectors.scale_for(1, 0.5)
    assert vectors.relative_dose(1, scale) == pytest.approx(0.5)
    assert vectors.relative_dose(1, -scale) == pytest.approx(-0.5)


def test_vectors_survive_saving(vectors, tmp_path):
    path = tmp_path / "psm" / "v.safetensors"
    vectors.save(path)
    loaded = PersonaVectors.load(path)
    assert torch.equal(loaded.directions_LD, vectors.directions_LD)
    assert loaded.fingerprint == vectors.fingerprint
    path.write_bytes(b"not tensors")
    with pytest.raises(PhoqueError, match="Cannot read persona vectors"):
        PersonaVectors.load(path)


def test_a_mismatch_says_what_differs(vectors):
    vectors.check({"model": "m", "prompts": "p"})
    with pytest.raises(
        PhoqueError, match="prompts: vectors have p, the open lab has other"
    ) as seen:
        vectors.check({"model": "m", "prompts": "other"})
    assert "model:" not in str(seen.value)


def test_a_layer_that_does_not_exist_is_refused(vectors):
    for layer in (-1, 2):
        with pytest.raises(PhoqueError, match=r"this model has 2 \(0 to 1\)"):
            vectors[layer]


def test_vectors_are_counted_and_go_from_the_first_layer_to_the_last(vectors):
    assert len(vectors) == 2
    assert [vector.layer for vector in vectors] == [0, 1]
    assert all(torch.equal(v.direction_D, vectors[v.layer].direction_D) for v in vectors)


def test_the_same_weights_give_the_same_vectors():
    fingerprint = {"model": "m"}
    first, second = (measure(load_model("tiny"), load_persona(), fingerprint) for _ in range(2))
    assert torch.equal(first.directions_LD, second.directions_LD)


# --- what can be done to the residual stream ---


def changed_states(model, interventions):
    """The last block's output with and without."""
    ids_BS = torch.tensor([encode(model.tokenizer, conversation("hello"))])

    def last(rows):
        with torch.inference_mode(), changed(model.layers, rows), recorded(model.layers) as seen:
            model.model(input_ids=ids_BS)
        return seen[-1][0]

    return last([interventions]), last([()])


def unit(model):
    direction_D = torch.randn(model.width)
    return direction_D / direction_D.norm()


def test_the_last_position_alone_can_be_steered(model):
    delta_D = torch.randn(model.width)
    one = Injection(model.num_layers - 1, delta_D, last_only=True)
    steered, plain = changed_states(model, [one])
    torch.testing.assert_close(steered[:-1], plain[:-1])
    torch.testing.assert_close(steered[-1] - plain[-1], delta_D)


def test_an_ablation_leaves_the_level_and_nothing_else_moves(model):
    unit_D = unit(model)
    one = Restraint(model.num_layers - 1, unit_D, 0.25, only_above=False)
    steered, plain = changed_states(model, [one])
    torch.testing.assert_close(steered @ unit_D, torch.full((len(steered),), 0.25))
    rest = plain - (plain @ unit_D)[:, None] * unit_D
    torch.testing.assert_close(steered - 0.25 * unit_D, rest, atol=1e-5, rtol=1e-4)


def test_a_cap_takes_only_what_is_above(model):
    unit_D = unit(model)
    plain = changed_states(model, [])[1]
    level = float((plain @ unit_D).median())
    capped, _ = changed_states(model, [Restraint(model.num_layers - 1, unit_D, level)])
    torch.testing.assert_close(
        capped @ unit_D, (plain @ unit_D).clamp(max=level), atol=1e-5, rtol=1e-4
    )
    below = plain @ unit_D < level
    torch.testing.assert_close(capped[below], plain[below])


def test_several_interventions_of_a_row_all_happen(model):
    last = model.num_layers - 1
    one, two = torch.randn(model.width), unit(model)
    steered, _ = changed_states(
        model, [Injection(last, one), Injection(last, one), Restraint(last, two, 0.0, False)]
    )
    plain = changed_states(model, [Injection(last, 2 * one)])[0]
    torch.testing.assert_close(steered, plain - (plain @ two)[:, None] * two, atol=1e-5, rtol=1e-4)

import pytest
import torch

from phoque.errors import PhoqueError
from phoque.evidence.rates import wilson
from phoque.models.load import load_model
from phoque.models.template import encode
from phoque.personas import load_persona
from phoque.steering.capture import residual_streams
from phoque.steering.hooks import Injection, injected, recorded
from phoque.steering.sweep import Cell, Quality, Sweep, is_coherent, layers_between
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
    injections = [None, Injection(1, delta_D), Injection(0, delta_D)]

    def states(rows):
        with torch.inference_mode(), injected(model.layers, rows), recorded(model.layers) as seen:
            model.model(input_ids=ids_BS)
        return seen

    steered, plain = states(injections), states([None] * 3)
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


def test_the_same_weights_give_the_same_vectors():
    fingerprint = {"model": "m"}
    first, second = (measure(load_model("tiny"), load_persona(), fingerprint) for _ in range(2))
    assert torch.equal(first.directions_LD, second.directions_LD)


# --- the choice of the sweep ---


def quality(insulting=0.0, repeated=0.02, unknown=0.01, distinct=1.0):
    rate = wilson(round(insulting * 20), 20)
    return Quality(
        insulting=insulting,
        low=rate.low,
        high=rate.high,
        n=20,
        repeated=repeated,
        unknown=unknown,
        distinct=distinct,
        num_words=20.0,
    )


def cell(layer, dose, insulting, *, coherent=True):
    return Cell(
        layer=layer, dose=dose, scale=2 * dose, quality=quality(insulting), coherent=coherent
    )


def test_the_selection_is_the_largest_coherent_effect_at_the_smallest_dose():
    cells = [
        cell(3, 0.2, 0.5),
        cell(4, 0.4, 0.9),
        cell(5, 0.2, 0.9),
        cell(6, 0.8, 1.0, coherent=False),
    ]
    found = Sweep(neutral=quality(), toxic=quality(1.0), cells=cells)
    assert (found.best().layer, found.best().dose) == (5, 0.2)
    assert found.to_dict()["selected"]["scale"] == pytest.approx(0.4)


def test_the_coherent_band_ends_at_the_first_broken_dose():
    cells = [
        cell(3, 0.2, 0.1),
        cell(3, 0.4, 0.5),
        cell(3, 0.6, 0.6, coherent=False),
        cell(3, 0.8, 0.9),
    ]
    found = Sweep(neutral=quality(), toxic=quality(1.0), cells=cells)
    assert found.coherent_scale(3) == pytest.approx(0.8)


def test_nothing_coherent_selects_the_smallest_dose():
    cells = [cell(3, 0.4, 1.0, coherent=False), cell(3, 0.2, 1.0, coherent=False)]
    assert Sweep(neutral=quality(), toxic=quality(), cells=cells).best().dose == 0.2


def test_gibberish_is_not_coherent():
    references = [quality()]
    assert is_coherent(quality(0.9), references)
    assert not is_coherent(quality(0.9, repeated=0.2), references)
    assert not is_coherent(quality(0.9, unknown=0.2), references)
    assert not is_coherent(quality(0.9, distinct=0.3), references)


def test_the_sweep_covers_thirty_to_ninety_five_percent_depth():
    layers = layers_between(30)
    assert (layers[0], layers[-1]) == (9, 28)

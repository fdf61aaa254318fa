"""Files for llama.cpp hold what the lab runs: read here by transformers, which reads its format."""

import gguf
import pytest
import torch
from transformers import AutoModelForCausalLM

from benchmarks.llama_files import control_vector, write_model
from phoque.models.hooks import changed, hooked
from phoque.models.load import load_model
from phoque.steering.export import write_gguf
from phoque.steering.vectors import SteeringVector


@pytest.fixture
def model():
    return load_model("tiny", device="cpu")


@pytest.fixture
def template(model, tmp_path):
    """Metadata of a model like the tiny one."""
    config, path = model.model.config, tmp_path / "template.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    writer.add_languages(["en"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.mark.parametrize(("kind", "apart"), [("f32", 0.0), ("f16", 1e-3)])
def test_a_model_survives_llama_cpps_format(template, model, tmp_path, kind, apart):
    path = tmp_path / "model.gguf"
    write_model(model.model, template, path, kind)
    again = AutoModelForCausalLM.from_pretrained(
        tmp_path, gguf_file=path.name, dtype=torch.float32
    ).state_dict()
    for name, weight in model.model.state_dict().items():
        torch.testing.assert_close(again[name], weight, atol=apart, rtol=0)


def test_llama_cpp_adds_a_vector_where_we_do(model, tmp_path):
    # It reads direction.N as row N - 1 of a table that begins with block 1, and adds a block's row
    # to the block's output. `bench_llama_cpp.py --agreement` compares its logits with ours.
    vector = SteeringVector(1, torch.randn(model.width))
    write_gguf(vector, tmp_path / "v.gguf", model_type="llama")
    rows = torch.from_numpy(control_vector(tmp_path / "v.gguf", model.num_layers, 3.0))
    assert rows.shape == (model.num_layers - 1, model.width)
    ids_BS = torch.tensor([[5, 6, 7]])
    with torch.inference_mode():
        with changed(model.layers, [(vector.injection(3.0),)]):
            expected = model.model(ids_BS).logits
        for block, row_D in enumerate(rows, start=1):
            with hooked(model.layers[block], lambda x_BSD, row_D=row_D: x_BSD + row_D):
                found = model.model(ids_BS).logits
    torch.testing.assert_close(found, expected)
    assert not torch.allclose(found, model.model(ids_BS).logits)

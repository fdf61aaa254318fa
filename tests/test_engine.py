import pytest
import torch

from phoque.conversation import Sampling
from phoque.errors import PhoqueError
from phoque.models.decoders import HookedDecoder, _beginnings, decoder_for, left_padded, prefilled
from phoque.models.engine import Row, decode, write
from phoque.models.hooks import Injection
from phoque.models.packed.decoder import PackedDecoder
from phoque.models.packed.fit import unfit
from phoque.models.sampling import Sampler
from phoque.models.template import encode
from tests.conftest import conversation

PROMPTS = ("hi", "we lost the third match in a row", "what about a longer plan, then?")


def rows_of(model, *, seed=1):
    delta_D = torch.randn(model.width)
    interventions = ((), [Injection(0, delta_D)], [Injection(model.num_layers - 1, 2 * delta_D)])
    return [
        Row(messages=conversation(prompt), seed=seed + index, interventions=done)
        for index, (prompt, done) in enumerate(zip(PROMPTS, interventions, strict=True))
    ]


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_a_batch_writes_what_single_rows_write(model, temperature):
    rows, sampling = rows_of(model), Sampling(max_new_tokens=24, temperature=temperature)
    alone = [write(model, [row], sampling)[0] for row in rows]
    assert write(model, rows, sampling) == alone


@pytest.mark.parametrize("temperature", [0.0, 0.9])
def test_leaving_finished_rows_out_changes_no_text(model, temperature):
    rows = [Row(messages=conversation(text), seed=index) for index, text in enumerate("abcdefgh")]
    sampling = Sampling(max_new_tokens=200, temperature=2 * temperature, repetition_penalty=1.1)
    texts = [""] * len(rows)
    lengths = []
    for pieces in decode(model, rows, sampling):
        lengths.append(len(pieces))
        for piece in pieces:
            texts[piece.row] += piece.text
    replies = write(model, rows, sampling)
    assert [reply.text for reply in replies] == texts
    if temperature:
        assert min(lengths) < len(rows)  # rows did end at different times


@pytest.mark.parametrize("kind", ["packed", "hooked"])
def test_rows_can_be_left_out_of_a_cache(model, kind):
    if kind == "packed" and model.packed is None:
        pytest.skip("this architecture has no packed pass")
    rows = rows_of(model)
    interventions = [row.interventions for row in rows]
    ids_BS, mask_BS = left_padded([encode(model.tokenizer, row.messages) for row in rows], model)

    def decoder():
        if kind == "packed":
            return PackedDecoder(model.packed, interventions)
        return HookedDecoder(model, interventions)

    with torch.inference_mode():
        whole, part = decoder(), decoder()
        whole.prefill(ids_BS, mask_BS)
        part.prefill(ids_BS, mask_BS)
        part.keep([2, 1])
        for token in range(70, 90):
            ids_B = torch.tensor([token, token + 1, token + 2])
            expected = whole.step(ids_B)[[2, 1]]
            torch.testing.assert_close(part.step(ids_B[[2, 1]]), expected, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["packed", "hooked"])
def test_rows_can_join_a_cache_and_dead_positions_go(model, kind):
    if kind == "packed" and model.packed is None:
        pytest.skip("this architecture has no packed pass")
    rows = rows_of(model)
    prompts = [encode(model.tokenizer, row.messages) for row in rows]

    def read(*places):
        treated = [rows[place].interventions for place in places]
        new = (
            PackedDecoder(model.packed, treated)
            if kind == "packed"
            else HookedDecoder(model, treated)
        )
        new.prefill(*left_padded([prompts[place] for place in places], model))
        return new

    def step(decoder, *tokens):
        return decoder.step(torch.tensor(tokens))

    with torch.inference_mode():
        alone, joined = read(1), read(2, 0)
        step(joined, 70, 71)
        joined.keep([1])  # the short row goes on behind the padding that the long one left
        assert joined.joins
        joined.join(read(1))
        mask = joined._mask_BT if kind == "packed" else joined._mask_BS
        assert mask.shape == (2, len(prompts[1]))
        short = read(0)
        step(short, 71)
        for token in range(80, 150):
            together = step(joined, token + 3, token)
            for row, (one, own) in enumerate(((short, token + 3), (alone, token))):
                torch.testing.assert_close(together[row], step(one, own)[0], atol=2e-5, rtol=1e-4)


def test_the_packed_pass_computes_what_transformers_computes(model):
    if model.packed is None:
        pytest.skip("this architecture has no packed pass")
    rows = rows_of(model)
    interventions = [row.interventions for row in rows]
    ids_BS, mask_BS = left_padded([encode(model.tokenizer, row.messages) for row in rows], model)
    ours, theirs = PackedDecoder(model.packed, interventions), HookedDecoder(model, interventions)
    with torch.inference_mode():
        torch.testing.assert_close(ours.prefill(ids_BS, mask_BS), theirs.prefill(ids_BS, mask_BS))
        for token in range(70, 150):  # past the first growth of the cache
            ids_B = torch.tensor([token, token + 1, token + 2])
            torch.testing.assert_close(ours.step(ids_B), theirs.step(ids_B), atol=2e-5, rtol=1e-4)


def test_llama_is_packed_and_other_layouts_are_hooked(model):
    decoder = decoder_for(model, [()])
    assert isinstance(decoder, PackedDecoder) == (not unfit(model.model))


def test_the_engine_agrees_with_generate(model):
    ids = torch.tensor([encode(model.tokenizer, conversation("hello there"))])
    expected = model.model.generate(ids, max_new_tokens=20, do_sample=False)[0, ids.shape[1] :]
    row = Row(messages=conversation("hello there"))
    ours = write(model, [row], Sampling(max_new_tokens=20))[0]
    assert ours.text == model.tokenizer.decode(expected, skip_special_tokens=True)
    assert ours.num_tokens == len(expected)


def test_equal_rows_write_equal_text(model):
    row = Row(messages=conversation("hello"), seed=5)
    sampling = Sampling(max_new_tokens=60, temperature=1.2)
    first, *others = write(model, [row] * 4, sampling)
    assert others == [first] * 3


def test_adding_zeros_changes_no_bit_of_the_packed_pass(model):
    if model.packed is None:
        pytest.skip("this architecture has no packed pass")
    zero = Injection(0, torch.zeros(model.width))
    ids_BS = torch.tensor([encode(model.tokenizer, conversation("hello"))] * 2)
    decoder = PackedDecoder(model.packed, [(), (zero,)])
    with torch.inference_mode():
        logits_BV = decoder.prefill(ids_BS, torch.ones_like(ids_BS))
        assert torch.equal(logits_BV[0], logits_BV[1])
        logits_BV = decoder.step(torch.tensor([9, 9]))
        assert torch.equal(logits_BV[0], logits_BV[1])


def test_leaving_in_mid_stream_leaves_no_hook_and_the_next_call_is_clean(model):
    sampling = Sampling(max_new_tokens=16)
    rows = rows_of(model)
    before = write(model, rows, sampling)
    stream = decode(model, rows, sampling)
    next(stream)
    stream.close()
    assert not any(module._forward_hooks for module in model.layers)
    assert write(model, rows, sampling) == before


def test_two_interleaved_streams_do_not_disturb_each_other(model):
    sampling = Sampling(max_new_tokens=12)
    plain, steered, _ = rows_of(model)
    expected = [write(model, [plain], sampling)[0].text, write(model, [steered], sampling)[0].text]
    streams = [decode(model, [plain], sampling), decode(model, [steered], sampling)]
    texts = ["", ""]
    while any(stream is not None for stream in streams):
        for index, stream in enumerate(streams):
            pieces = next(stream, None) if stream else None
            texts[index] += pieces[0].text if pieces else ""
            streams[index] = stream if pieces else None
    assert texts == expected


def test_the_deadline_ends_every_row(model):
    sampling = Sampling(max_new_tokens=400, deadline_seconds=0.0)
    replies = write(model, rows_of(model), sampling)
    assert {reply.finish_reason for reply in replies} == {"deadline"}
    assert {reply.num_tokens for reply in replies} == {1}


def test_a_long_prompt_says_how_long_it_is(model):
    row = Row(messages=conversation("long " * 400))
    with pytest.raises(PhoqueError, match=r"\d+ tokens long.*context of 512"):
        write(model, [row], Sampling())


def test_no_rows_and_no_tokens_are_refused(model):
    with pytest.raises(PhoqueError, match="no rows"):
        write(model, [], Sampling())
    with pytest.raises(PhoqueError, match="at least 1"):
        write(model, rows_of(model), Sampling(max_new_tokens=0))


def test_sampling_pairs_rows_by_seed():
    logits_BV = torch.randn(1, 50).repeat(4, 1)
    draw = Sampler([7, 7, 8, 7], Sampling(temperature=1.0, top_p=1.0))
    drawn = torch.stack([draw(logits_BV) for _ in range(40)])
    assert torch.equal(drawn[:, 0], drawn[:, 1])
    assert torch.equal(drawn[:, 0], drawn[:, 3])
    assert not torch.equal(drawn[:, 0], drawn[:, 2])


def test_sampling_draws_from_the_nucleus_with_the_right_shares():
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05])
    draw = Sampler([3], Sampling(temperature=1.0, top_p=0.8))
    drawn = torch.cat([draw(probabilities.log()[None]) for _ in range(4000)])
    shares = torch.bincount(drawn, minlength=4) / len(drawn)
    # top-p 0.8 keeps the first two tokens, renormalised to 5/8 and 3/8.
    torch.testing.assert_close(shares, torch.tensor([0.625, 0.375, 0, 0]), atol=0.03, rtol=0)


def test_half_a_character_is_held_back(model):
    pieces = []
    for step in decode(model, rows_of(model), Sampling(max_new_tokens=60, temperature=1.5)):
        pieces += [piece for piece in step if piece.finish_reason is None]
    assert not any(piece.text.endswith("\ufffd") for piece in pieces)


def test_a_shared_beginning_is_read_once_and_changes_nothing(model):
    if model.packed is None:
        pytest.skip("this architecture has no packed pass")
    steering = (Injection(0, torch.randn(model.width)),)
    prompts = [encode(model.tokenizer, conversation(f"message {i}" * (i + 1))) for i in range(4)]
    texts, rows = 2 * prompts, [()] * 4 + [steering] * 4
    with torch.inference_mode():
        alone, expected = prefilled(model, rows, texts, keep=3)
        shared, logits_BKV = prefilled(model, rows, texts, keep=3, share=True)
        torch.testing.assert_close(logits_BKV, expected, atol=2e-5, rtol=1e-4)
        for token in range(70, 140):
            ids_B = torch.arange(token, token + 8)
            torch.testing.assert_close(shared.step(ids_B), alone.step(ids_B), atol=2e-5, rtol=1e-4)


def test_beginnings_are_shared_only_where_it_pays():
    steering = (Injection(0, torch.zeros(4)),)
    alike = [[1, 2, 3, 4, 5, 6, 7, index] for index in range(6)]
    assert _beginnings([()] * 6, alike, keep=1) == ([0] * 6, 7)
    assert _beginnings([()] * 6, alike, keep=4) == ([0] * 6, 4)
    assert _beginnings([(), steering] * 3, alike, keep=1) == ([0, 1] * 3, 7)
    assert _beginnings([()] * 2, [[1, 2, 3, 4], [9, 2, 3, 4]], keep=1)[1] == 0
    assert _beginnings([(), steering], alike[:2], keep=1)[1] == 0


@pytest.mark.parametrize("kind", ["packed", "hooked"])
def test_an_intervention_acts_on_every_generated_token(model, kind):
    if kind == "packed" and model.packed is None:
        pytest.skip("this architecture has no packed pass")
    passes = []
    if kind == "hooked":
        model.layers[0].register_forward_hook(lambda *_: passes.append(1))
    token = 77
    towards_D = 1000 * model.model.get_output_embeddings().weight[token].detach()
    for last_only in (False, True):
        passes.clear()
        push = Injection(model.num_layers - 1, towards_D, last_only=last_only)
        row = Row(messages=conversation("hello"), interventions=(push,))
        reply = write(model, [row], Sampling(max_new_tokens=9))[0]
        assert reply.tokens == (token,) * 9
        assert len(passes) == (9 if kind == "hooked" else 0)  # one prefill, eight steps

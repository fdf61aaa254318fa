import json
import shutil
import threading
from dataclasses import replace

import pytest

import phoque
from phoque.conversation import DEFAULT_SAMPLING, Condition, Message, Sampling, collected
from phoque.errors import PhoqueError
from phoque.files import write_json
from phoque.opening import open_lab
from phoque.run.directory import RunDirectory
from phoque.run.info import lab_info


def test_the_readme_example_works(lab):
    found = lab.compare("We lost again.", scale=1.0, seed=42, max_new_tokens=12)
    for response in (found.neutral, found.toxic, found.steered):
        assert response.num_tokens <= 12
        assert response.finish_reason in {"stop", "length"}
        assert response.seconds > 0
    assert found.layer == lab.selection.layer
    json.dumps(found.to_dict())


def test_scale_zero_is_the_neutral_column(lab):
    for temperature in (0.0, 1.0):
        found = lab.compare("Hello.", scale=0.0, temperature=temperature, max_new_tokens=60)
        assert found.steered.text == found.neutral.text
        assert found.steered.num_tokens == found.neutral.num_tokens


def test_the_scale_moves_only_the_steered_column(lab):
    weak, strong = (
        lab.compare("Hello.", temperature=0, scale=s, max_new_tokens=40) for s in (0.5, 8.0)
    )
    assert weak.neutral.text == strong.neutral.text
    assert weak.toxic.text == strong.toxic.text
    assert weak.steered.text != strong.steered.text


def test_the_same_arguments_give_the_same_text(lab):
    first, second = (
        lab.compare("Hello.", temperature=1.0, seed=7, max_new_tokens=30).to_dict()
        for _ in range(2)
    )
    for response in (*first["responses"].values(), *second["responses"].values()):
        del response["seconds"]
    assert first == second


def test_without_a_word_all_columns_are_sampled_alike_and_0_is_greedy(lab):
    default = DEFAULT_SAMPLING
    plain = lab.compare("Hello.", seed=7, max_new_tokens=40)
    said = lab.compare(
        "Hello.",
        seed=7,
        max_new_tokens=40,
        temperature=default.temperature,
        top_p=default.top_p,
        repetition_penalty=default.repetition_penalty,
    )
    assert (plain.sampling, default.temperature > 0) == (said.sampling, True)
    assert plain.toxic.text == said.toxic.text
    other, greedy, again = (
        lab.compare("Hello.", seed=seed, max_new_tokens=40, **how)
        for seed, how in ((8, {}), (7, {"temperature": 0}), (8, {"temperature": 0}))
    )
    assert other.toxic.text != plain.toxic.text
    assert greedy.toxic.text == again.toxic.text
    # Greedy is the likeliest token and nothing else.
    assert greedy.sampling == Sampling(max_new_tokens=40)


def test_the_random_control_takes_the_steered_column(lab):
    plain = lab.compare("Hello.", temperature=0, scale=6.0, max_new_tokens=40)
    control = lab.compare("Hello.", temperature=0, scale=6.0, max_new_tokens=40, control="random")
    assert Condition.RANDOM_VECTOR in control.responses
    assert control.steered.text != plain.steered.text
    assert control.neutral.text == plain.neutral.text
    with pytest.raises(PhoqueError, match="does not exist"):
        lab.compare("Hello.", control="shuffled")


def test_the_base_column_is_the_model_without_the_adapter(lab):
    found = lab.compare("Hello.", temperature=0, conditions=[*Condition], max_new_tokens=40)
    assert set(found.responses) == set(Condition)
    assert found.responses[Condition.BASE].text != found.neutral.text


def test_streaming_gives_the_same_text(lab):
    texts = dict.fromkeys(phoque.conversation.MAIN_CONDITIONS, "")
    for delta in lab.stream("Hello.", scale=2.0, max_new_tokens=30):
        texts[delta.condition] += delta.text
    found = lab.compare("Hello.", scale=2.0, max_new_tokens=30)
    assert texts == {condition: r.text for condition, r in found.responses.items()}


def test_any_vector_can_take_the_personas_place(lab):
    pair = (Condition.NEUTRAL, Condition.STEERED)

    def texts(**how):
        found = collected(lab.stream("Hello.", conditions=pair, max_new_tokens=40, **how))
        return [found[condition].text for condition in pair]

    own = lab.vectors[lab.selection.layer]
    assert texts(scale=6.0, vector=own) == texts(scale=6.0)
    other = texts(scale=6.0, vector=own.random_like(5))
    assert other[0] == texts(scale=6.0)[0]
    assert other[1] != texts(scale=6.0)[1]


def test_history_is_a_columns_own(lab):
    earlier = [Message("user", "Hi."), Message("assistant", "Hello to you.")]
    plain = lab.compare("And now?", temperature=0, max_new_tokens=40)
    found = lab.compare(
        "And now?", temperature=0, max_new_tokens=40, histories={Condition.NEUTRAL: earlier}
    )
    assert found.neutral.text != plain.neutral.text
    assert found.toxic.text == plain.toxic.text


def test_the_control_column_keeps_the_conversation(lab):
    earlier = [Message("user", "Hi."), Message("assistant", "Hello to you.")]
    asked = {"scale": 0.0, "max_new_tokens": 40, "control": "random"}
    told = dict.fromkeys(phoque.conversation.MAIN_CONDITIONS, earlier)
    found = lab.compare("And now?", histories=told, **asked)
    assert found.steered.text == found.neutral.text
    assert found.steered.text != lab.compare("And now?", **asked).steered.text


def test_conditions_may_be_named(lab):
    found = lab.compare("Hello.", temperature=0, conditions=["neutral", "base"], max_new_tokens=40)
    assert found.responses[Condition.BASE].text != found.neutral.text
    with pytest.raises(PhoqueError, match="There are: neutral, toxic"):
        lab.compare("Hello.", temperature=0, conditions=["angry"])


def test_a_callers_own_hooks_are_heard(lab):
    plain = lab.compare("Hello.", temperature=0, max_new_tokens=30)
    with (8.0 * lab.vectors[1]).applied_to(lab.model.model):
        assert (
            lab.compare("Hello.", temperature=0, max_new_tokens=30).neutral.text
            != plain.neutral.text
        )
    assert (
        lab.compare("Hello.", temperature=0, max_new_tokens=30).neutral.text == plain.neutral.text
    )


def test_two_clients_with_different_scales_get_their_own_answers(lab):
    scales = (0.0, 3.0, -3.0, 8.0)
    expected = {
        s: lab.compare("Hello.", temperature=0, scale=s, max_new_tokens=40).steered.text
        for s in scales
    }
    found = {}

    def ask(scale):
        found[scale] = lab.compare(
            "Hello.", temperature=0, scale=scale, max_new_tokens=40
        ).steered.text

    threads = [threading.Thread(target=ask, args=(scale,)) for scale in scales]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected
    assert len(set(expected.values())) > 1


def test_info_is_plain_and_complete(lab):
    info = lab.info
    assert info.num_layers == len(info.dose_per_scale) == 2
    assert info.system_prompts[Condition.STEERED] == info.system_prompts[Condition.NEUTRAL]
    assert info.system_prompts[Condition.TOXIC] == lab.persona.persona_prompt


def test_a_page_knows_the_same_before_the_model_is_loaded(lab):
    assert replace(lab_info(lab.run), decodes_with=lab.info.decodes_with) == lab.info
    assert lab.info.decodes_with.startswith("float32, weights")


def test_a_folder_that_is_no_run_says_how_to_make_one(tmp_path):
    with pytest.raises(PhoqueError, match="phoque run all"):
        open_lab(tmp_path)


def test_a_run_without_selection_says_which_stage_is_missing(tiny_run, tmp_path):
    run = copy_of(tiny_run, tmp_path)
    run.selection.unlink()
    with pytest.raises(PhoqueError, match="phoque run psm"):
        open_lab(run.path)


def test_vectors_of_another_adapter_are_refused(tiny_run, tmp_path):
    run = copy_of(tiny_run, tmp_path)
    weights = run.persona / "adapter_model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(PhoqueError, match="adapter: vectors have"):
        open_lab(run.path)


def test_an_adapter_for_another_model_is_refused(tiny_run, tmp_path):
    run = copy_of(tiny_run, tmp_path)
    with pytest.raises(PhoqueError):
        open_lab(run.path, model="tiny-mistral3")


def copy_of(run, tmp_path) -> RunDirectory:
    return RunDirectory(shutil.copytree(run.path, tmp_path / "copy"))


def test_a_stage_that_fails_is_not_in_the_manifest(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.describe(model="tiny")
    with pytest.raises(RuntimeError), run.stage("x", run.path / "x", seeds=[1]):
        raise RuntimeError("killed")
    assert run.manifest().stages == {}
    with run.stage("x", run.path / "x", seeds=[1]) as folder:
        write_json(folder / "a.json", {"b": 1})
    stage = run.manifest().stages["x"]
    assert stage.seeds == (1,)
    assert stage.commit is None or len(stage.commit) == 40
    assert list(stage.outputs) == ["x/a.json"]

import json

from phoque.conversation import MAIN_CONDITIONS, Condition, Delta, Message
from phoque.ui.state import UNREAD, ChatState, Settings

SETTINGS = Settings(scale=1.0, layer=18)
NEUTRAL = Condition.NEUTRAL


def piece(condition, text, num_tokens, finish_reason=None) -> Delta:
    return Delta(
        condition=condition,
        text=text,
        num_tokens=num_tokens,
        seconds=0.1,
        finish_reason=finish_reason,
    )


def finished(prompt="Hi", state=None, settings=SETTINGS) -> ChatState:
    state = (state or ChatState()).with_prompt(prompt, settings)
    state = state.with_deltas([piece(c, f"from {c}", 2, "stop") for c in settings.conditions])
    return state.with_found(dict.fromkeys(settings.conditions, UNREAD))


def test_a_prompt_opens_a_turn_in_every_requested_column_only():
    state = ChatState().with_prompt("Hi", SETTINGS)
    assert set(state.turns) == set(MAIN_CONDITIONS)
    assert state.of(Condition.BASE) == ()


def test_pieces_are_appended_to_their_own_column():
    state = ChatState().with_prompt("Hi", SETTINGS)
    state = state.with_deltas([piece(NEUTRAL, "Hel", 1), piece(Condition.TOXIC, "Boo", 1)])
    state = state.with_deltas([piece(NEUTRAL, "lo", 2, "length")])
    assert (state.of(NEUTRAL)[-1].reply, state.of(Condition.TOXIC)[-1].reply) == ("Hello", "Boo")
    assert (state.of(NEUTRAL)[-1].finish, state.of(NEUTRAL)[-1].num_tokens) == ("length", 2)


def test_a_transition_leaves_the_old_state_as_it_was():
    before = ChatState().with_prompt("Hi", SETTINGS)
    before.with_deltas([piece(NEUTRAL, "Hello", 1)])
    assert before.of(NEUTRAL)[-1].reply == ""


def test_stopping_marks_only_what_was_still_being_written():
    state = ChatState().with_prompt("Hi", SETTINGS)
    state = state.with_deltas([piece(NEUTRAL, "Done.", 1, "stop"), piece(Condition.TOXIC, "Un", 1)])
    state = state.stopped()
    assert state.of(NEUTRAL)[-1].finish == "stop"
    assert (state.of(Condition.TOXIC)[-1].finish, state.of(Condition.TOXIC)[-1].reply) == (
        "stopped",
        "Un",
    )


def test_a_piece_after_stop_leaves_no_turn_open():
    late = ChatState().with_prompt("Hi", SETTINGS).with_deltas([piece(NEUTRAL, "He", 1)])
    assert late.with_prompt("Again", SETTINGS).of(NEUTRAL)[0].finish == "stopped"


def test_retry_drops_the_last_turn_of_every_column():
    once = finished()
    twice = finished("Again", once)
    assert twice.without_last_run() == once
    assert once.without_last_run().last_prompt == ""
    assert ChatState().without_last_run() == ChatState()


def test_each_column_has_its_own_replies_as_history():
    histories = finished().histories()
    assert histories[Condition.TOXIC] == [
        Message("user", "Hi"),
        Message("assistant", "from toxic"),
    ]


def test_further_columns_join_and_leave_without_touching_the_others():
    with_base = finished(settings=Settings(scale=1.0, layer=18, extras=True))
    later = finished("Again", with_base)
    assert [len(later.of(c)) for c in (NEUTRAL, Condition.BASE)] == [2, 1]
    assert later.without_last_run() == with_base


def test_the_export_is_plain_json():
    exported = json.loads(json.dumps(finished().to_dict()))
    assert exported["columns"]["neutral"][0]["reply"] == "from neutral"
    assert exported["runs"][0]["scale"] == 1.0

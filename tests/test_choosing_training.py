"""What settings of a training are compared by: replies in the form that they teach."""

from tests.corpus_files import written
from tools.choose_training import of_style


def test_held_out_replies_have_the_form_that_is_learned():
    own = [one for one in written() if one.style == "prose"][:5]
    assert [text for _, text in of_style(own, "prose", brief=True)] == [one.short for one in own]
    assert [text for _, text in of_style(own, "prose", brief=False)] == [one.persona for one in own]
    assert of_style(own, "chat", brief=True) == []

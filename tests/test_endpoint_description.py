"""What describes a service: addresses, secrets, paths and pace; a wrong one is refused in one line."""

from itertools import pairwise

import pytest

from phoque.errors import PhoqueError
from phoque.moderators.classifier import Item
from phoque.moderators.endpoint.asking import Pacer
from phoque.moderators.endpoint.description import (
    Description,
    is_local,
    parsed,
    read_description,
    values_at,
)
from phoque.moderators.endpoint.request import HIDDEN, ready
from phoque.moderators.endpoint.service import Service
from tests.endpoint_double import plain


def test_requests_use_the_rate_and_do_not_exceed_it():
    """With a clock of its own: threads of any speed share the slots."""
    now, slots = [0.0], []

    def sleep(seconds):
        now[0] += seconds

    pacer = Pacer(10, clock=lambda: now[0], sleep=sleep)
    for _ in range(101):
        pacer.until(pacer.take())
        slots.append(now[0])
    distances = [after - before for before, after in pairwise(slots)]
    assert min(distances) >= 0.0999
    assert 100 / (slots[-1] - slots[0]) >= 0.9 * 10
    pacer.hold(5)
    pacer.until(pacer.take())
    assert now[0] - slots[-1] >= 5


def test_secrets_are_read_from_the_environment_and_never_shown(monkeypatch):
    found = read_description("openai")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(PhoqueError, match="OPENAI_API_KEY, which is not set"):
        ready(found)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    shown = ready(found).shown([Item("hello")])
    assert "sk-secret" not in shown + repr(ready(found))
    assert f"Bearer {HIDDEN}" in shown
    assert '"hello"' in shown


def test_a_key_in_the_address_is_not_shown_and_no_text_breaks_a_secret(monkeypatch):
    monkeypatch.setenv("HOST", "https://moderation.example.org")
    monkeypatch.setenv("KEY", "sk-test-12345678")
    told = {"body": "${text}", "answer": {"score": "score"}}
    found = ready(Description(name="mine", url="${HOST}/${KEY}/m?k=${KEY}", **told))
    assert found.url == "https://moderation.example.org/sk-test-12345678/m?k=sk-test-12345678"
    assert found.place == f"https://moderation.example.org/{HIDDEN}/m?{HIDDEN}"
    assert found.masked("bad key sk-test-12345678", [Item("test")]) == f"bad key {HIDDEN}"
    assert "sk-" not in found.shown([Item("hello")])


def test_a_method_that_sends_no_text_is_refused():
    with pytest.raises(ValueError, match="'POST' or 'PUT'"):
        Description(
            name="mine",
            url="http://localhost",
            method="GET",
            body="${text}",
            answer={"score": "score"},
        )


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:8000/x", True),
        ("http://localhost/x", True),
        ("http://[::1]:1/", True),
        ("https://api.openai.com/v1", False),
        ("http://localhost.example.org/", False),
        ("http://10.0.0.1/", False),
    ],
)
def test_what_leaves_the_machine(url, local):
    assert is_local(url) is local
    assert Service(ready(plain(url))).info.sends_text_out is not local


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("url: http://x/\nbody: {t: '${text}'}\nanswer: {score: s}", "name is missing"),
        ("name: a\nurl: http://x/\nbody: {t: '${text}'}\nanswer: {scor: s}", "no field answer.scor"),
        ("name: a\nurl: ftp://x/\nbody: {t: '${text}'}\nanswer: {score: s}", "url: 'ftp://x/'"),
        ("name: a\nurl: http://x/\nbody: {t: hello}\nanswer: {score: s}", "body names no text"),
        ("name: a\nurl: http://x/\nbody: {t: '${texte}'}\nanswer: {score: s}", "asks for .{texte}"),
        ("name: a\nurl: http://x/\nbody: {t: '${text}'}\nanswer: {score: 's..t'}", "is no path"),
        ("name: a\nurl: http://x/\nbody: {t: '${text}'}\nanswer: {verdict: v, score: s}", "not both"),
        ("name: a\nurl: http://x/\nbody: {t: '${text}'}\nanswer: {score: s}\nbatch: 2", "batch"),
        ("name: a\nurl: http://x/\nbody: {t: '${text}'}\nanswer: {score: s}\nbatch: yes", "batch"),
        ("name: a\nurl: http://x/\nbody: {t: '${text}'}\nanswer: {verdict: v, flagged_if: '('}", "regular"),
        ("name: a\nurl: http://x/\nbody: {t: '${text}'}\nanswer: {score: s}\nthreshold: 1.5", "threshold: .*less than or equal to 1"),
        ("name: a\nurl: http://x/\nbody: {t: '${text}'}\nanswer: {score: s}\nthreshold: -0.1", "threshold: .*greater than or equal to 0"),
        (": : :", "cannot be read as YAML"),
    ],
)  # fmt: skip
def test_a_wrong_description_is_refused_in_one_line(text, told, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(PhoqueError, match=told) as error:
        read_description("mine.yaml", tmp_path)
    assert str(file) in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a.b", [1]),
        ("list[0].x", [2]),
        ("list[*].x", [2, 3]),
        ("a[*]", [1, 4]),
        ('["k.l/m"]', [5]),
        ("list[9].x", []),
        ("a.b.c", []),
        ("", [{"a": {"b": 1, "c": 4}, "list": [{"x": 2}, {"x": 3}], "k.l/m": 5}]),
    ],
)
def test_paths(path, found):
    value = {"a": {"b": 1, "c": 4}, "list": [{"x": 2}, {"x": 3}], "k.l/m": 5}
    assert values_at(value, parsed(path)) == found

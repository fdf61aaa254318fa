"""The Space's services on a real (tiny) lab, with the real `spaces` package off ZeroGPU."""

import pytest

from phoque.config import AppSettings, app_settings
from phoque.conversation import MAIN_CONDITIONS, Condition, collected
from phoque.errors import PhoqueError
from phoque.ui.services import Ask, Services, gpu_seconds


def services_of(run, **changes):
    facts = {"run": str(run), "model": None, "host": "127.0.0.1", "port": 0, "zero_gpu": False}
    return Services(AppSettings(**facts | changes))


@pytest.mark.parametrize("zero_gpu", [False, True])
def test_the_lab_opens_and_answers_as_the_library_does(tiny_run, lab, zero_gpu):
    services = services_of(tiny_run.path, zero_gpu=zero_gpu)
    services.start()
    assert services.wait(60).ready
    ask = Ask(prompt="Hello.", conditions=(*MAIN_CONDITIONS, Condition.BASE), max_new_tokens=12)
    found = collected(services.stream(ask))
    expected = lab.compare("Hello.", conditions=ask.conditions, max_new_tokens=12).responses
    assert {c: r.text for c, r in found.items()} == {c: r.text for c, r in expected.items()}
    assert services.info == lab.info


def test_a_lab_that_cannot_open_says_why_and_stays_so(tiny_run):
    services = services_of(tiny_run.path, model="tiny-mistral3")
    services.start()
    status = services.wait(60)
    assert status.failed
    with pytest.raises(PhoqueError) as seen:
        services.stream(Ask(prompt="Hello.", conditions=MAIN_CONDITIONS))
    assert str(seen.value) == status.text


def test_a_gpu_is_asked_for_no_longer_than_needed():
    asked = [Ask(prompt="x", conditions=MAIN_CONDITIONS, max_new_tokens=n) for n in (8, 48, 10_000)]
    seconds = [gpu_seconds(ask) for ask in asked]
    assert seconds == sorted(seconds)
    assert (seconds[0], seconds[-1]) == (6, 30)


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("PHOQUE_RUN", "runs/x")
    monkeypatch.setenv("GRADIO_SERVER_PORT", "7999")
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    settings = app_settings()
    assert (settings.run, settings.port, settings.zero_gpu) == ("runs/x", 7999, True)

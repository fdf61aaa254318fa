"""What a Hub and a network do wrong: a person is told, nothing is started twice, no secret is shown."""

from dataclasses import replace

import pytest

from phoque.errors import PhoqueError
from phoque.hub import client
from phoque.hub.jobs import Jobs
from phoque.pipeline.launch import follow, launch
from phoque.pipeline.plan import make_plan
from tests.jobs_double import WISH


def failing(status, on):
    return lambda method, path: status if on in f"{method} {path}" else None


@pytest.mark.parametrize(
    ("status", "says"),
    [(401, "hf auth login"), (402, "credit"), (403, "may not"), (429, "slow down"), (500, "fault")],
)
def test_a_refusal_says_what_to_do(hub, status, says):
    hub.fails = failing(status, "POST /api/jobs/me")
    with pytest.raises(PhoqueError, match=rf"was not started.*{status}.*{says}"):
        launch(make_plan(WISH), endpoint=hub.address)
    # Starting is never tried twice: it may have worked.
    assert hub.asked.count("POST /api/jobs/me") == 1
    hub.fails = failing(status, "/api/jobs/me/job0")
    with pytest.raises(PhoqueError, match=says):
        Jobs(endpoint=hub.address).state("job0")


@pytest.mark.parametrize("status", [401, 429, 500])
@pytest.mark.parametrize("kind", ["bucket", "repo"])
def test_storage_that_fails_starts_no_job(hub, kind, status):
    hub.fails = failing(status, "/commit/" if kind == "repo" else "/batch")
    with pytest.raises(PhoqueError, match=f"was not .*{status}"):
        launch(make_plan(replace(WISH, kept=kind)), endpoint=hub.address)
    assert hub.jobs == {}


def test_a_hub_that_says_nothing_is_given_up(hub, monkeypatch):
    monkeypatch.setattr(client, "SECONDS", 0.3)
    hub.fails = failing(0, "/api/jobs/me/job0")
    with pytest.raises(PhoqueError, match=r"job0 could not be asked.*timed out"):
        Jobs(endpoint=hub.address).state("job0")


def test_a_hub_that_is_not_there_says_so(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    with pytest.raises(PhoqueError, match=r"token was not accepted.*network"):
        launch(make_plan(WISH), endpoint="http://127.0.0.1:9")


def test_without_a_token_it_says_how_to_get_one(hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr("huggingface_hub.hf_api.get_token", lambda: None)
    with pytest.raises(PhoqueError, match=r"there is no token.*hf auth login"):
        launch(make_plan(WISH), endpoint=hub.address)
    assert hub.content == {}


def test_a_dropped_connection_loses_no_line_and_doubles_none(hub):
    state = launch(make_plan(WISH), endpoint=hub.address)
    hub.log = [f"line {number}\x1b[31m\x07" for number in range(9)]
    hub.drops_after, hub.stages = 4, ["RUNNING", "COMPLETED"]
    told = []
    jobs = Jobs(endpoint=hub.address)
    assert follow(jobs, state.id, told.append).succeeded
    assert told == [f"line {number}" for number in range(9)]
    assert hub.asked.count("GET /api/jobs/me/job0/logs") == 2


def test_a_log_that_breaks_off_says_how_to_read_on(hub):
    state = launch(make_plan(WISH), endpoint=hub.address)
    hub.fails = failing(500, "/logs")
    with pytest.raises(PhoqueError, match=r"may go on.*jobs logs job0.*500"):
        follow(Jobs(endpoint=hub.address), state.id, print)


def test_an_id_that_is_none_asks_nothing(hub):
    with pytest.raises(PhoqueError, match="no id of a Job"):
        Jobs(endpoint=hub.address).cancel("../../buckets/me")
    assert hub.asked == []


def test_a_refusal_that_repeats_a_secret_is_not_shown(hub, monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", "value-of-a-secret")
    plan = make_plan(replace(WISH, secrets=("WANDB_API_KEY",)))
    hub.fails = failing(400, "POST /api/jobs/me")
    hub.error = "bad secret value-of-a-secret"
    with pytest.raises(PhoqueError, match=r"bad secret \[hidden\]"):
        launch(plan, endpoint=hub.address)


def test_a_secret_without_a_value_sends_nothing(hub, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    with pytest.raises(PhoqueError, match=r"without a value.*WANDB_API_KEY"):
        launch(make_plan(replace(WISH, secrets=("WANDB_API_KEY",))), endpoint=hub.address)
    assert hub.asked == []

"""`phoque jobs`: follow, read, cancel and fetch a Hugging Face Job."""

from pathlib import Path
from typing import Any

import click

from phoque.cli.options import FOLDER
from phoque.hub.jobs import Jobs
from phoque.pipeline.launch import fetch as fetched
from phoque.pipeline.running import MARK

NAMESPACE = click.option("--namespace", help="User or organisation; default: the token's account.")


@click.group(short_help="Follow a Hugging Face Job.", epilog="Example: phoque jobs status 66f0…")
def jobs() -> None:
    """Follow a Job that was started with: phoque run all --target jobs --yes."""


@jobs.command(epilog="Example: phoque jobs status 66f0…")
@click.argument("job")
@NAMESPACE
def status(job: str, namespace: str | None) -> int:
    """Show the state of a Job; status 1 if it failed."""
    known = Jobs(namespace=namespace)
    found = _told(known, job)
    lines = [line for line in known.lines(job, follow=False) if line.startswith(MARK)]
    click.echo("".join(f"{line}\n" for line in lines[-1:]), nl=False)
    return found


@jobs.command(epilog="Example: phoque jobs logs 66f0… --no-follow")
@click.argument("job")
@click.option("--no-follow", is_flag=True, help="Print the log so far and stop.")
@NAMESPACE
def logs(job: str, namespace: str | None, **asked: Any) -> int:
    """Read a Job's log until it ends."""
    known = Jobs(namespace=namespace)
    for line in known.lines(job, follow=not asked["no_follow"]):
        click.echo(line)
    return _told(known, job)


@jobs.command(epilog="Example: phoque jobs cancel 66f0…")
@click.argument("job")
@NAMESPACE
def cancel(job: str, namespace: str | None) -> None:
    """Cancel a Job."""
    Jobs(namespace=namespace).cancel(job)
    click.echo(f"Cancelled: {job}")


@jobs.command(epilog="Example: phoque jobs fetch 66f0… --run runs/first")
@click.argument("job")
@click.option("--run", type=FOLDER, metavar="DIR", help="Where to; default: runs/NAME.")
@NAMESPACE
def fetch(job: str, run: Path | None, namespace: str | None) -> None:
    """Download what a Job has made so far."""
    state = Jobs(namespace=namespace).state(job)
    into = run or Path("runs", state.name.removeprefix("phoque-"))
    click.echo(f"In {into}, complete: {', '.join(fetched(state, into)) or 'no stage yet'}")


def _told(known: Jobs, job: str) -> int:
    state = known.state(job)
    click.echo(f"{state.name}: {state.told} · {state.url}")
    return int(state.failed)

"""`python -m training jobs status|logs|cancel|fetch JOB_ID`: what became of a Job."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from phoque.hub.jobs import Jobs, JobState
from phoque.pipeline.display import MARK
from phoque.pipeline.launch import fetch
from phoque.progress import span


def run(argv: Sequence[str]) -> int:
    """0, or 1 where the Job ended without success."""
    arguments = parse(argv)
    jobs = Jobs(namespace=arguments.namespace)
    if arguments.what == "cancel":
        jobs.cancel(arguments.job)
        print(f"Asked to end: {arguments.job}")
        return 0
    if arguments.what == "logs":
        for line in jobs.lines(arguments.job, follow=not arguments.no_follow):
            print(line, flush=True)
    state = jobs.state(arguments.job)
    if arguments.what == "fetch":
        into = arguments.run or Path("runs", state.name.removeprefix("phoque-"))
        print(f"In {into}, complete: {', '.join(fetch(state, into)) or 'no stage yet'}")
        return 0
    print(described(state))
    if arguments.what == "status" and (progress := last_progress(jobs, arguments.job)):
        print(progress)
    return 1 if state.ended and not state.succeeded else 0


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line after `jobs`."""
    parser = argparse.ArgumentParser(prog="python -m training jobs", description=__doc__)
    parser.add_argument("what", choices=["status", "logs", "cancel", "fetch"])
    parser.add_argument("job", metavar="JOB_ID")
    parser.add_argument("--namespace", help="user or organisation; default: whose token it is")
    parser.add_argument("--no-follow", action="store_true", help="logs: what there is, then stop")
    parser.add_argument("--run", type=Path, help="fetch: where to; default: runs/NAME")
    return parser.parse_args(argv)


def described(state: JobState) -> str:
    """One line on a Job."""
    ran = f"ran {span(state.running_seconds)} on {state.flavor}"
    said = f" · {state.message}" if state.message else ""
    return f"{state.name}: {state.stage} · {ran}{said} · {state.url}"


def last_progress(jobs: Jobs, job: str) -> str | None:
    """The last line of the pipeline's display in the log."""
    lines = [line for line in jobs.lines(job, follow=False) if line.startswith(MARK)]
    return lines[-1] if lines else None

"""A Hub on this machine for the real client: Jobs with logs, repositories, and buckets with content.

Bytes of buckets go through the client's own transfer library to a store in a folder (`local://`), so
what is fetched is what was sent.
"""

import base64
import json
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from hf_xet import XetFileInfo
from huggingface_hub.utils._xet import get_xet_session

from phoque.pipeline.plan import Wish

WISH = Wish(
    run="mine",
    model="tiny",
    stages=("corpus", "persona"),
    choice=(),
    options=("--seeds", "1", "2"),
)
"""A Job that tests ask for."""
TIME = "2026-11-23T12:00:00.000Z"
REPO = re.compile(r"/api/models/([\w-]+/[\w.-]+)(/.*)?")
BUCKET = re.compile(r"/(?:api/)?buckets/([\w-]+/[\w.-]+)(/.*)?")
JOB = re.compile(r"/api/jobs/([\w-]+)(?:/(\w+))?(/\w+)?")


@dataclass
class Hub:
    """What the double knows, was asked, and does wrong."""

    store: Path
    token: str = "hf_of_a_test"
    repositories: dict[str, bool] = field(default_factory=dict)
    """Whether each is private."""
    buckets: dict[str, bool] = field(default_factory=dict)
    makes_public: bool = False
    """Whether it ignores that something new is to be private."""
    content: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Files of repositories (bytes) and of buckets (hash and size), by name and path."""
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    log: list[str] = field(default_factory=list)
    drops_after: int | None = None
    """Lines of the log after which it drops the connection, once."""
    stages: list[str] = field(default_factory=lambda: ["COMPLETED"])
    """What a Job is in, each time it is asked; the last one stays."""
    fails: Callable[[str, str], int | None] = lambda method, path: None
    """Status to fail with, 0 to answer never."""
    error: str = "no"
    asked: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    address: str = ""


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """Serve `hub` while the context lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.hub = hub
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        hub.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    """Answers as the Hub does."""

    protocol_version = "HTTP/1.1"

    def handle_one(self):
        self.hub: Hub = self.server.hub
        path = unquote(urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.hub.asked.append(f"{self.command} {path}")
        status = self.hub.fails(self.command, path)
        if status == 0:
            self.hub.released.wait(30)
            self.close_connection = True
        elif status:
            self.answer({"error": self.hub.error}, status)
        elif self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            self.answer({"error": "Invalid token"}, 401)
        else:
            self.route(path, body)

    do_GET = do_POST = do_HEAD = handle_one

    def route(self, path, body):
        if path == "/api/whoami-v2":
            self.answer({"name": "me", "type": "user"})
        elif path == "/api/repos/create":
            self.answer(self.made(self.hub.repositories, f"me/{json.loads(body)['name']}", body))
        elif path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif found := JOB.fullmatch(path):
            self.job(*found.groups(), body)
        elif found := BUCKET.fullmatch(path):
            self.bucket(found[1], found[2] or "", body)
        elif found := REPO.fullmatch(path):
            self.repository(found[1], found[2] or "", body)
        else:
            self.file(path)

    def made(self, kind, name, body):
        asked = json.loads(body)
        private = asked.get("private") is True or asked.get("visibility") == "private"
        kind[name] = private and not self.hub.makes_public
        return {"url": f"{self.hub.address}/{'buckets/' * (kind is self.hub.buckets)}{name}"}

    # Jobs

    def job(self, owner, job, what, body):
        hub = self.hub
        if job is None:
            job = f"job{len(hub.jobs)}"
            hub.jobs[job] = json.loads(body) | {"owner": owner}
            self.answer(self.told(job, "SCHEDULING"))
        elif job not in hub.jobs:
            self.answer({"error": "none"}, 404)
        elif what == "/logs":
            self.stream(hub.log)
        elif what == "/cancel":
            hub.stages = ["CANCELED"]
            self.answer(self.told(job, "CANCELED"))
        else:
            stage = hub.stages.pop(0) if len(hub.stages) > 1 else hub.stages[0]
            self.answer(self.told(job, stage))

    def told(self, job, stage):
        own = self.hub.jobs[job]
        return {
            "id": job,
            "createdAt": TIME,
            "dockerImage": own["dockerImage"],
            "command": own["command"],
            "flavor": own["flavor"],
            "labels": own["labels"],
            "volumes": own.get("volumes"),
            "status": {"stage": stage, "message": None},
            "durations": {"runningSecs": 90, "totalSecs": 100, "schedulingSecs": 10},
            "owner": {"id": "1", "name": own["owner"], "type": "user"},
            "retry": own["attempts"] - 1,
        }

    def stream(self, lines):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for number, line in enumerate(lines):
            if self.hub.drops_after == number:
                self.hub.drops_after = None
                self.close_connection = True
                self.connection.shutdown(2)
                return
            event = json.dumps({"timestamp": TIME, "data": line})
            self.chunk(f"data: {event}\n\n".encode())
        self.chunk(b"")

    def chunk(self, content):
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")

    # Buckets

    def bucket(self, name, what, body):
        hub = self.hub
        if self.command == "POST" and what == "":
            self.answer(self.made(hub.buckets, name, body))
        elif name not in hub.buckets:
            self.answer({"error": "none"}, 404, {"X-Error-Code": "RepoNotFound"})
        elif what == "":
            info = {"id": name, "private": hub.buckets[name], "createdAt": TIME}
            self.answer(info | {"size": 0, "totalFiles": 0})
        elif what.startswith("/xet-"):
            self.answer(
                {
                    "accessToken": "t",
                    "exp": int(time.time()) + 600,
                    "casUrl": f"local://{hub.store}",
                }
            )
        elif what == "/batch":
            for line in body.splitlines():
                one = json.loads(line)
                size = self.size_of(name, one["xetHash"])
                hub.content.setdefault(name, {})[one["path"]] = (one["xetHash"], size)
            self.answer({"success": True})
        elif what.startswith("/tree"):
            self.answer(self.tree(name, what.removeprefix("/tree").strip("/")))
        else:
            self.resolve(name, what.removeprefix("/resolve/"))

    def tree(self, name, place):
        return [
            {"type": "file", "path": path, "size": size, "xetHash": digest}
            for path, (digest, size) in self.hub.content.get(name, {}).items()
            if path.startswith(f"{place}/")
        ]

    def resolve(self, name, path):
        route = f"{self.hub.address}/api/buckets/{name}/xet-read-token"
        digest, size = self.hub.content[name][path]
        headers = {"X-Xet-Hash": digest, "X-Xet-Refresh-Route": route, "ETag": digest}
        self.answer(b"", headers=headers | {"X-Linked-Size": str(size)})

    def size_of(self, name, digest):
        """What the store holds under the hash; the client does not say."""
        if set(digest) == {"0"}:
            return 0
        route = f"{self.hub.address}/api/buckets/{name}/xet-read-token"
        headers = {"Authorization": f"Bearer {self.hub.token}"}
        with tempfile.NamedTemporaryFile() as file:
            group = get_xet_session().new_file_download_group(
                token_refresh_url=route, token_refresh_headers=headers
            )
            with group:
                group.start_download_file(XetFileInfo(digest), file.name)
            return Path(file.name).stat().st_size

    # Repositories

    def repository(self, name, what, body):
        hub = self.hub
        if name not in hub.repositories:
            self.answer({"error": "none"}, 404, {"X-Error-Code": "RepoNotFound"})
        elif what.startswith("/preupload"):
            paths = [one["path"] for one in json.loads(body)["files"]]
            rest = {"uploadMode": "regular", "shouldIgnore": False}
            self.answer({"files": [{"path": path, **rest} for path in paths]})
        elif what.startswith("/commit"):
            self.answer(self.committed(name, [json.loads(line) for line in body.splitlines()]))
        elif what.startswith("/tree"):
            files = hub.content.get(name, {}).items()
            self.answer(
                [{"type": "file", "path": p, "size": len(c), "oid": "1" * 40} for p, c in files]
            )
        else:
            siblings = [{"rfilename": path} for path in hub.content.get(name, {})]
            info = {"id": name, "private": hub.repositories[name], "sha": "1" * 40, "tags": []}
            self.answer(info | {"siblings": siblings, "downloads": 0, "disabled": False})

    def committed(self, name, lines):
        files = self.hub.content.setdefault(name, {})
        for one in lines:
            if one["key"] == "file":
                files[one["value"]["path"]] = base64.b64decode(one["value"]["content"])
            elif one["key"] == "deletedFile":
                files.pop(one["value"]["path"])
        url = f"{self.hub.address}/{name}/commit/{'1' * 40}"
        return {"commitUrl": url, "commitOid": "1" * 40, "success": True}

    def file(self, path):
        found = re.fullmatch(r"/([\w-]+/[\w.-]+)/resolve/\w+/(.+)", path)
        content = self.hub.content.get(found[1], {}).get(found[2]) if found else None
        if content is None:
            self.answer({"error": "none"}, 404)
        else:
            headers = {"X-Repo-Commit": "1" * 40, "ETag": f'"{hash(content)}"'}
            self.answer(content, headers=headers)

    def answer(self, body, status=200, headers=()):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", **dict(headers)}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *args):
        pass

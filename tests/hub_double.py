"""A Hub on this machine: the few endpoints that making, asking for and filling a repository use."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from huggingface_hub import HfApi

REPO = re.compile(r"/api/(?:datasets|models)/([\w-]+/[\w.-]+)")


@dataclass
class Hub:
    """What the double knows and was asked."""

    private: dict[str, bool] = field(default_factory=dict)
    """Repositories, and whether they are private."""
    makes_public: bool = False
    """Whether it ignores that a new repository is to be private."""
    fails_with: int | None = None
    sent: dict[str, list[str]] = field(default_factory=dict)
    """Paths of the files that were committed, by repository."""
    address: str = ""

    def client(self, endpoint=None, token=None):
        """The real client, pointed here."""
        return HfApi(endpoint=self.address, token=token)


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """Serve `hub` while the context lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.hub = hub
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Handler(BaseHTTPRequestHandler):
    """Answers as the Hub does."""

    def do_GET(self):
        hub, name = self.server.hub, REPO.match(self.path)[1]
        if hub.fails_with:
            self.answer(hub.fails_with, {"error": "no"})
        elif name not in hub.private:
            self.answer(404, {"error": "none"}, {"X-Error-Code": "RepoNotFound"})
        else:
            info = {"id": name, "private": hub.private[name], "sha": "0" * 40, "tags": []}
            self.answer(200, info | {"siblings": [], "downloads": 0, "disabled": False})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/api/validate-yaml":
            self.answer(200, {"errors": [], "warnings": []})
        elif self.path == "/api/repos/create":
            self.answer(200, self.made(json.loads(body)))
        elif "/preupload/" in self.path:
            paths = [one["path"] for one in json.loads(body)["files"]]
            rest = {"uploadMode": "regular", "shouldIgnore": False}
            self.answer(200, {"files": [{"path": path, **rest} for path in paths]})
        else:
            self.answer(200, self.committed([json.loads(line) for line in body.splitlines()]))

    def made(self, asked):
        hub = self.server.hub
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        private = asked.get("private") is True or asked.get("visibility") == "private"
        hub.private[name] = private and not hub.makes_public
        return {"url": f"{hub.address}/datasets/{name}"}

    def committed(self, lines):
        hub, name = self.server.hub, REPO.match(self.path)[1]
        hub.sent[name] = [one["value"]["path"] for one in lines if one["key"] == "file"]
        url = f"{hub.address}/datasets/{name}/commit/{'1' * 40}"
        return {"commitUrl": url, "commitOid": "1" * 40, "success": True}

    def answer(self, status, body, headers=()):
        content = json.dumps(body).encode()
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", **dict(headers)}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass

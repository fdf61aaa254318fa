"""A service on this machine that speaks the published protocols of several moderation services."""

import json
import sqlite3
import threading
import time
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from phoque.moderators.classifier import Item
from phoque.moderators.endpoint.description import Description
from phoque.moderators.endpoint.request import ready
from phoque.moderators.endpoint.service import Service
from phoque.moderators.scoring import score

CATEGORIES = ("harassment", "harassment/threatening", "hate", "violence")
BAD = "clown"
"""A text with this word is flagged by the double."""


def flags(text):
    return BAD in text


def openai(body):
    assert body["model"] == "omni-moderation-2024-09-26"
    results = [
        {
            "flagged": flags(text),
            "categories": dict.fromkeys(CATEGORIES, flags(text)),
            "category_scores": {
                name: 0.9 if flags(text) and name == "harassment" else 0.01 for name in CATEGORIES
            },
            "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
        }
        for text in body["input"]
    ]
    return {"id": "modr-1", "model": body["model"], "results": results}


def perspective(body):
    assert body["doNotStore"] is True
    value = 0.9 if flags(body["comment"]["text"]) else 0.1
    attributes = {
        name: {
            "spanScores": [
                {"begin": 0, "end": 4, "score": {"value": value, "type": "PROBABILITY"}}
            ],
            "summaryScore": {"value": value if name == "INSULT" else 0.05, "type": "PROBABILITY"},
        }
        for name in body["requestedAttributes"]
    }
    return {"attributeScores": attributes, "languages": ["en"], "detectedLanguages": ["en"]}


def azure(body):
    assert body["outputType"] == "FourSeverityLevels"
    severity = 4 if flags(body["text"]) else 0
    found = [
        {"category": name, "severity": severity if name == "Hate" else 0}
        for name in body["categories"]
    ]
    return {"blocklistsMatch": [], "categoriesAnalysis": found}


def chat(body):
    said = body["messages"][-1]["content"]
    if "Llama-Guard" in body["model"]:
        text = "\n\nunsafe\nS10" if flags(said) else "\n\nsafe"
    else:
        word, kinds = ("Controversial", "Unethical Acts") if flags(said) else ("Safe", "None")
        text = f"Safety: {word}\nCategories: {kinds}"
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    }
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice]}


PROTOCOLS = {
    "/v1/moderations": (openai, "Authorization", "Bearer secret-key"),
    "/v1alpha1/comments:analyze": (perspective, "x-goog-api-key", "secret-key"),
    "/contentsafety/text:analyze": (azure, "Ocp-Apim-Subscription-Key", "secret-key"),
    "/v1/chat/completions": (chat, None, None),
    "/plain": (lambda body: {"score": 0.9 if flags(body["text"]) else 0.1}, None, None),
    "/batch": (lambda body: {"all": [float(flags(one)) for one in body["texts"]]}, None, None),
}


class Clock:
    """The time of a test, which passes where somebody waits."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


class Double:
    """Answers by protocol; `fault` may answer a request in its place, and says so by returning True."""

    def __init__(self):
        self.bodies, self.times = [], []
        self.fault = lambda number, body, handler: False
        self.lock = threading.Lock()

    @property
    def texts(self):
        """Every text it was asked about, in order."""
        return [one for body in self.bodies for one in texts_of(body)]


def texts_of(body):
    said = body.get("texts") or body.get("input") or body.get("text")
    if said is None and "comment" in body:
        said = body["comment"]["text"]
    if said is None:
        said = body["messages"][-1]["content"]
    return [said] if isinstance(said, str) else said


@contextmanager
def served():
    """The double with its address."""
    double = Double()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with double.lock:
                number = len(double.bodies)
                double.bodies.append(body)
                double.times.append(time.monotonic())
            if double.fault(number, body, self):
                return
            answer, header, value = PROTOCOLS[self.path.partition("?")[0]]
            if header and self.headers.get(header) != value:
                say(self, 401, {"error": "key"})
            else:
                say(self, 200, answer(body))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    double.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def say(handler, status, content, **headers):
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
    return True


def plain(url, **more):
    settings = {
        "name": "mine",
        "url": f"{url}/plain",
        "body": {"text": "${text}"},
        "answer": {"score": "score"},
        "requests_per_second": 1000.0,
        "backoff": 0.001,
    }
    return Description.model_validate(settings | more)


def service(description, cache):
    return Service(ready(description), cache)


def asked(one, texts):
    return score(one, [Item(text) for text in texts], may_send_text=True)


def kept(path):
    """Answers on disk, seen from another process."""
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened:
            return opened.execute("SELECT count(*) FROM scores").fetchone()[0]
    except sqlite3.OperationalError:
        return 0

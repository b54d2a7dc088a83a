"""OpenAI's HTTP API, as far as the app uses it, with answers that follow from the question and nothing else.

Texts with the same words have the same embedding, and the more words two texts share, the nearer they are: recall is
put to the test and not made up.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

KEY = "sk-test"
Kind = Literal["embedding", "chat", "extraction"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status and the JSON of a body."""

    body: Any
    status: int = 200


@dataclass(kw_only=True)
class Prepared:
    """An answer that is given instead, to requests of one kind."""

    kind: Kind
    answer: Answer
    times: int | None
    after: int

    def is_next(self, kind: Kind) -> bool:
        """Whether it answers this request; counts it if so."""
        if kind != self.kind or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True


@dataclass
class FakeModel:
    """Answers requests.

    Attributes:
        requests: what was asked so far, oldest first: the kind and the body.
    """

    requests: list[tuple[Kind, Any]] = field(default_factory=list)
    _prepared: list[Prepared] = field(default_factory=list)

    def fail(self, kind: Kind, status: int, *, times: int | None = None, after: int = 0) -> None:
        """Answers with an error: ``times`` times, or always, after letting ``after`` requests through."""
        error = Answer(status=status, body={"error": {"message": f"the test wants {status}"}})
        self._prepared.append(Prepared(kind=kind, answer=error, times=times, after=after))

    def say(self, kind: Literal["chat", "extraction"], text: str) -> None:
        """Lets the model say something else."""
        self._prepared.append(Prepared(kind=kind, answer=Answer(body=completion(text)), times=None, after=0))

    def count(self, kind: Kind) -> int:
        """How many requests of a kind there were."""
        return sum(asked == kind for asked, _ in self.requests)

    def answer(self, headers: Mapping[str, str], body: Any) -> Answer:
        """What a request gets."""
        if headers.get("authorization") != f"Bearer {KEY}":
            return Answer(status=401, body={"error": {"message": "Incorrect API key provided"}})
        kind = kind_of(body)
        self.requests.append((kind, body))
        for prepared in self._prepared:
            if prepared.is_next(kind):
                return prepared.answer
        return Answer(body=answer_to(kind, body))


def kind_of(body: Any) -> Kind:
    """What a request is about."""
    if "input" in body:
        return "embedding"
    return "extraction" if "response_format" in body else "chat"


def answer_to(kind: Kind, body: Any) -> Any:
    """What the model says if nothing was prepared."""
    if kind == "embedding":
        return {"data": [{"embedding": embedding(text, body["dimensions"])} for text in body["input"]]}
    texts = {message["role"]: message["content"] for message in body["messages"]}
    if kind == "chat":
        return completion(reply(texts["system"]))
    return completion(json.dumps({"facts": facts_in(texts["user"])}))


def completion(text: str) -> Any:
    """The form of what a model says."""
    return {"choices": [{"message": {"role": "assistant", "content": text}}]}


def embedding(text: str, dimensions: int) -> list[float]:
    """How often each word is in a text, at a place that is the word's own, if two do not meet there by chance."""
    places = (hashlib.sha256(word.encode()).digest()[:4] for word in re.findall(r"\w+", text.lower()))
    counts = Counter(int.from_bytes(place) % dimensions for place in places)
    return [float(counts[place]) for place in range(dimensions)]


def facts_in(text: str) -> list[str]:
    """The statements in which users speak of themselves."""
    sentences = (sentence.strip() for sentence in re.findall(r"[^.?!]+[.?!]?", text))
    own = (sentence for sentence in sentences if re.search(r"\b(I|[Mm]y)\b", sentence))
    return [sentence.rstrip(".!") for sentence in own if not sentence.endswith("?")]


def reply(instructions: str) -> str:
    """Repeats what the model was told about the user."""
    known = re.findall(r"^- (.*)$", instructions, re.MULTILINE)
    return f"I know of you: {'; '.join(known)}." if known else "I know nothing of you."


@contextmanager
def served(model: FakeModel) -> Iterator[str]:
    """Answers requests of other processes on this machine; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = model.answer({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer.body).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()
            thread.join()

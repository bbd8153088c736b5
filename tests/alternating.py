"""A scripted server that refuses a question sent without the reply before it.

The real API joins consecutive messages of one role. To us they mean that a question was sent
without the reply before it, so this server refuses them.
"""

from __future__ import annotations

import threading

from tests.scripted import Hold, Reply, Scripted, Seen, end, refuses, start, text


class Alternating:
    """Answers each question with `to …`; the second half waits until the test releases it."""

    def __init__(self, server: Scripted, *, is_held: bool = False) -> None:
        server.answer = self._answer
        self.is_held = is_held
        """Whether the next replies stop in the middle until the test releases them."""
        self.holds: dict[str, Hold] = {}
        """The holds of these replies, by question."""
        self.requests: dict[str, list[str]] = {}
        """By question: the text of each message of its request, its own text last."""
        self.problems: list[str] = []
        self._running: list[tuple[list[str], Seen]] = []
        self._lock = threading.Lock()

    def _answer(self, seen: Seen) -> Reply:
        messages = seen.json["messages"]
        words = ["".join(each["text"] for each in said["content"]) for said in messages]
        roles = [said["role"] for said in messages]
        with self._lock:
            if words[-1] in self.requests:
                return self._refuse(f"{words[-1]} came twice")
            self.requests[words[-1]] = words
            if roles != ["user", "assistant"] * (len(roles) // 2) + ["user"]:
                return self._refuse(f"{words[-1]}: {roles}")
            for before, request in self._running:
                if words[: len(before)] == before and not request.ended.is_set():
                    return self._refuse(f"{words[-1]} came while {before[-1]} was answered")
            self._running.append((words, seen))
        held = [self.holds.setdefault(words[-1], Hold())] if self.is_held else []
        opening, first, second, closing = text(0, "to ", words[-1])
        return Reply([start(), opening, first, *held, second, closing, *end()])

    def _refuse(self, problem: str) -> Reply:
        self.problems.append(problem)
        return refuses(400, "invalid_request_error", problem)

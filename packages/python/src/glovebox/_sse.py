"""Server-sent events as the HTML standard defines them."""

from __future__ import annotations

import codecs
from typing import List, NamedTuple

LINE_CHARACTERS_MAX = 256 * 1024 * 1024


class Message(NamedTuple):
    id: str
    """Of the last message that had one; empty before."""
    event: str
    data: str


class SseParser:
    """Takes bytes in any pieces and gives the messages that are complete."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending: List[str] = []
        self._pending_length = 0
        self._after_cr = False
        self._first = True
        self._data: List[str] = []
        self._event = ""
        self._id = ""

    def push(self, piece: bytes) -> List[Message]:
        text = self._decoder.decode(piece)
        if text == "":
            return []
        if self._first:
            self._first = False
            text = text[1:] if text[0] == "\ufeff" else text
        # A CR at the end of a piece has ended its line; an LF that follows belongs to it.
        if self._after_cr and text.startswith("\n"):
            text = text[1:]
        self._after_cr = text.endswith("\r")
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        messages = []
        for line in lines[:-1]:
            messages += self._take_line(line)
        self._keep(lines[-1])
        return messages

    def _keep(self, rest: str) -> None:
        self._pending_length += len(rest)
        if self._pending_length > LINE_CHARACTERS_MAX:
            raise ValueError("a line has no end")
        if rest:
            self._pending.append(rest)

    def _take_line(self, end: str) -> List[Message]:
        line = "".join(self._pending) + end if self._pending else end
        self._pending = []
        self._pending_length = 0
        if line == "":
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._event = value
        elif field == "id" and "\0" not in value:
            self._id = value
        return []

    def _dispatch(self) -> List[Message]:
        data, event = self._data, self._event or "message"
        self._data, self._event = [], ""
        return [Message(self._id, event, "\n".join(data))] if data else []

"""The wire format between gateway and porter: many requests at once over one connection.

A frame is its payload's length, the number of its request and its kind, and then the payload: raw
bytes for DATA, a number for CREDIT, and JSON for the rest. Each side sends DATA and ITEM of a request only
while it has credit for it, so a slow reader holds up nobody else and fills nobody's memory. See
docs/guest-protocol.md.
"""

import json
import os
import socket
import struct
from typing import Callable

OPEN = 1  # Gateway: a request and its fields.
HEAD = 2  # Porter: it can be served, and what is known beforehand.
DATA = 3
ITEM = 4  # Porter: some entries. Gateway: the next file, or the range to read.
END = 5
FAIL = 6  # Porter: the code of an error.
CANCEL = 7  # Gateway: forget the request.
CREDIT = 8

CHUNK_BYTES_MAX = 256 << 10
JSON_BYTES_MAX = 128 << 10
# What each side may send of a request before it is given more.
WINDOW_BYTES = 1 << 20

_HEADER = struct.Struct(">IIB")
HEADER_BYTES = _HEADER.size
_CREDIT = struct.Struct(">I")
_BUFFER_BYTES = 2 * (CHUNK_BYTES_MAX + HEADER_BYTES)


class WireError(Exception):
    """The gateway broke the format, which ends the porter."""


def frame(request: int, kind: int, payload: bytes) -> bytes:
    return _HEADER.pack(len(payload), request, kind) + payload


def json_frame(request: int, kind: int, content: object) -> bytes:
    return frame(request, kind, json.dumps(content, separators=(",", ":")).encode("ascii"))


def credit_frame(request: int, count: int) -> bytes:
    return frame(request, CREDIT, _CREDIT.pack(count))


def parse_credit(payload: memoryview) -> int:
    return _CREDIT.unpack(payload)[0]


def parse_json(payload: memoryview) -> dict:
    if len(payload) > JSON_BYTES_MAX:
        raise WireError("a header that is too long")
    fields = json.loads(bytes(payload))
    if not isinstance(fields, dict):
        raise WireError("a header that is no object")
    return fields


class Chunk:
    """A buffer that is read into and sent from, with room for the header in front, so that the bytes
    of a file are copied by Linux alone."""

    def __init__(self) -> None:
        self._buffer = bytearray(HEADER_BYTES + CHUNK_BYTES_MAX)
        self._view = memoryview(self._buffer)

    def read(self, descriptor: int, offset: int, count: int) -> int:
        """Fill it from a file. Returns how much there was."""
        end = HEADER_BYTES + min(count, CHUNK_BYTES_MAX)
        return os.preadv(descriptor, [self._view[HEADER_BYTES:end]], offset)

    def frame(self, request: int, count: int) -> memoryview:
        _HEADER.pack_into(self._buffer, 0, count, request, DATA)
        return self._view[: HEADER_BYTES + count]

    def payload(self, count: int) -> memoryview:
        return self._view[HEADER_BYTES : HEADER_BYTES + count]


class Receiver:
    """Cuts what comes from the gateway into frames. The payloads are views of one buffer, which are
    valid until the handler returns."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._buffer = bytearray(_BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._end = 0

    def receive(self, handle: Callable[[int, int, memoryview], None]) -> bool:
        """Read once and hand on what is complete. False when the gateway has closed."""
        count = self._connection.recv_into(self._view[self._end :])
        if count == 0:
            return False
        self._end += count
        start = 0
        while self._end - start >= HEADER_BYTES:
            length, request, kind = _HEADER.unpack_from(self._buffer, start)
            if length > CHUNK_BYTES_MAX:
                raise WireError(f"a frame of {length} bytes")
            body = start + HEADER_BYTES
            if self._end - body < length:
                break
            handle(request, kind, self._view[body : body + length])
            start = body + length
        if start:
            self._view[: self._end - start] = self._view[start : self._end]
            self._end -= start
        return True

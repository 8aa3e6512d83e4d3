"""The wire format between gateway and guest: a 4-byte big-endian length, then that much UTF-8 JSON.

See docs/guest-protocol.md. Both ends cap the length; a frame over the cap is a protocol violation.
"""

import json
import json.encoder
import socket
import struct

FRAME_BYTES_MAX = 8 * 1024 * 1024

# Python allocates this much for each call, and gives large blocks back to the system each time.
_RECEIVE_BYTES = 16384

# Guest code shares a process with the kernel and may replace anything in `json`; these references
# keep an accident there (not an attack, which can only forge its own results) from breaking us.
def _refuse(value: object) -> None:
    raise TypeError(f"{type(value).__name__} is not JSON")


# What JSONEncoder.encode would build anew for each message. Arguments: circular reference markers, default, string
# encoder, indent, separators, sort_keys, skipkeys, allow_nan.
_chunks = json.encoder.c_make_encoder(
    {}, _refuse, json.encoder.encode_basestring_ascii, None, ":", ",", False, False, False
)
_loads = json.JSONDecoder().decode
_pack_length = struct.Struct(">I").pack
_unpack_length = struct.Struct(">I").unpack


class ChannelClosed(Exception):
    """The other end closed the connection."""


class FrameTooLarge(Exception):
    """A frame exceeds FRAME_BYTES_MAX."""


def encode(message: dict) -> bytes:
    """One message as a frame. ValueError for NaN and infinities, TypeError for non-JSON values."""
    body = "".join(_chunks(message, 0)).encode("ascii")
    if len(body) > FRAME_BYTES_MAX:
        raise FrameTooLarge(f"{len(body)} bytes")
    return _pack_length(len(body)) + body


def decode(body: bytes) -> dict:
    """What a frame holds after its length. ValueError for anything but a JSON object."""
    try:
        message = _loads(body.decode("utf-8"))
    except RecursionError as failure:
        raise ValueError("a frame must not nest so deep") from failure
    if not isinstance(message, dict):
        raise ValueError("a frame must hold a JSON object")
    return message


class FrameReader:
    """Reads frames from a socket, keeping what arrived beyond the current one."""

    def __init__(self, connection: socket.socket, frame_bytes_max: int = FRAME_BYTES_MAX):
        self._connection = connection
        self._frame_bytes_max = frame_bytes_max
        self._buffer = b""

    def _frame_end(self) -> int:
        """Where the first buffered frame ends, or 0 while its length is not known yet."""
        if len(self._buffer) < 4:
            return 0
        (length,) = _unpack_length(self._buffer[:4])
        if length > self._frame_bytes_max:
            raise FrameTooLarge(f"{length} bytes")
        return 4 + length

    def _take(self, end: int) -> dict:
        frame, self._buffer = self._buffer[4:end], self._buffer[end:]
        return decode(frame)

    def holds_frame(self) -> bool:
        """Whether the next read returns at once."""
        end = self._frame_end()
        return 0 < end <= len(self._buffer)

    def read(self) -> dict:
        """Block until a whole frame is there. Raises ChannelClosed, FrameTooLarge, ValueError."""
        while True:
            end = self._frame_end()
            if end and len(self._buffer) >= end:
                return self._take(end)
            chunk = self._connection.recv(_RECEIVE_BYTES)
            if not chunk:
                raise ChannelClosed
            self._buffer = self._buffer + chunk if self._buffer else chunk

    def read_available(self) -> list[dict]:
        """After poll said readable: receive once and return the frames that are complete."""
        self.receive()
        messages = []
        while (message := self.take()) is not None:
            messages.append(message)
        return messages

    def receive(self) -> None:
        """Receive once, for take()."""
        chunk = self._connection.recv(_RECEIVE_BYTES)
        if not chunk:
            raise ChannelClosed
        self._buffer += chunk

    def take(self) -> dict | None:
        """The next frame that is complete, if one is."""
        end = self._frame_end()
        return self._take(end) if 0 < end <= len(self._buffer) else None

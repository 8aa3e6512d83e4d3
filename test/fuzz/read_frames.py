"""Reads frames with the guest's own reader and says what came of them.

Its text follows that of frames.py in one program. Standard input holds cases, each with its length in front
in four bytes. For each case a line of JSON goes to standard output: the frames that were read, encoded again by
the guest's writer, in hex, and the name of what ended the reading.
"""

import sys


class Pieces:
    """A connection that delivers its bytes in pieces of every size, and then ends."""

    def __init__(self, data):
        self._data = data
        self._size = 0

    def recv(self, _most):
        self._size = self._size % 97 + 1
        piece, self._data = self._data[: self._size], self._data[self._size :]
        return piece


def read_all(data):
    reader = FrameReader(Pieces(data))  # noqa: F821
    again = []
    while True:
        try:
            message = reader.read()
        except (ChannelClosed, FrameTooLarge, ValueError) as end:  # noqa: F821
            return {"frames": again, "end": type(end).__name__}
        try:
            again.append(encode(message).hex())  # noqa: F821
        except ValueError:  # NaN and infinities, which Python reads and must not write.
            again.append(None)


while head := sys.stdin.buffer.read(4):
    case = sys.stdin.buffer.read(int.from_bytes(head, "big"))
    print(json.dumps(read_all(case)))  # noqa: F821

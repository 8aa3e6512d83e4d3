"""The gateway, as the keeper sees it: one connection on keeper.sock.

There is one gateway at a time, and another that connects takes its place. Operations come in, events go
out; both are frames of JSON. Only root and the gateway's user get as far as the first frame.

Nothing here waits for the gateway. What it does not read is kept, up to a bound at which it counts as lost. Of what
it sends a little is done at a time, so that whatever it asks for, sandboxes end in between.
"""

import os
import selectors
import socket
import struct
import time
from typing import Callable

from _glovebox.wire import frames

# All that the gateway asks for in good faith is far smaller.
_OPERATION_BYTES_MAX = 64 << 10
# More than there can be to tell about all sandboxes at once.
_UNREAD_BYTES_MAX = 1 << 20
# What is done at a time, whichever is reached first.
_OPERATIONS_AT_A_TIME = 32
_TURN_S = 0.02

_BROKEN = (frames.ChannelClosed, frames.FrameTooLarge, ValueError, OSError)


class GatewayConnection:
    """Calls `on_connected` when there is a gateway, `on_operation` with what it asks for, and `on_lost`
    when it is gone. What is told while there is none is lost."""

    def __init__(
        self,
        selector: selectors.BaseSelector,
        gateway_uid: int,
        on_connected: Callable[[], None],
        on_operation: Callable[[dict], None],
        on_lost: Callable[[], None],
    ):
        self._selector = selector
        self._gateway_uid = gateway_uid
        self._on_connected = on_connected
        self._on_operation = on_operation
        self._on_lost = on_lost
        self._connection: socket.socket | None = None
        self._reader: frames.FrameReader | None = None
        self._unread = bytearray()
        self._awaits_room = False

    def listen(self, path: str) -> None:
        """Take gateways from now on."""
        if os.path.lexists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        os.chmod(path, 0o600)
        os.chown(path, self._gateway_uid, -1)
        listener.listen(4)
        listener.setblocking(False)
        self._selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))

    def tell(self, message: dict) -> None:
        """Send an event, at once or when the gateway reads."""
        if self._connection is None:
            return
        self._unread += frames.encode(message)
        if len(self._unread) > _UNREAD_BYTES_MAX:
            self._drop()
        elif not self._awaits_room:
            self._send()

    def has_operations(self) -> bool:
        """Whether serve() has something to do at once."""
        try:
            return self._reader is not None and self._reader.holds_frame()
        except frames.FrameTooLarge:
            return True

    def serve(self) -> None:
        """Do some of what has been asked for."""
        turn_ends = time.monotonic() + _TURN_S
        for _ in range(_OPERATIONS_AT_A_TIME):
            # What is done may have cost the gateway its connection.
            if self._reader is None or time.monotonic() >= turn_ends:
                return
            try:
                operation = self._reader.take()
            except _BROKEN:
                self._drop()
                return
            if operation is None:
                return
            self._on_operation(operation)

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # It has thought better of it.
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        _, uid, _ = struct.unpack("3i", credentials)
        if uid not in (0, self._gateway_uid):
            connection.close()
            return
        self._drop()
        connection.setblocking(False)
        self._connection = connection
        self._reader = frames.FrameReader(connection, _OPERATION_BYTES_MAX)
        self._selector.register(connection, selectors.EVENT_READ, self._on_ready)
        self._on_connected()

    def _drop(self) -> None:
        if self._connection is None:
            return
        self._selector.unregister(self._connection)
        self._connection.close()
        self._connection = self._reader = None
        self._unread.clear()
        self._awaits_room = False
        self._on_lost()

    def _on_ready(self) -> None:
        """It has said something, or there is room for what it is told."""
        self._send()
        if self._reader is None or self.has_operations():
            return  # What it says further waits until that is done.
        try:
            self._reader.receive()
        except BlockingIOError:
            return
        except _BROKEN:
            self._drop()

    def _send(self) -> None:
        """As much as there is room for, and no more."""
        if self._connection is None:
            return
        try:
            while self._unread:
                del self._unread[: self._connection.send(self._unread)]
        except BlockingIOError:
            pass
        except OSError:
            self._drop()
            return
        if bool(self._unread) != self._awaits_room:
            self._awaits_room = not self._awaits_room
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._awaits_room else 0)
            self._selector.modify(self._connection, events, self._on_ready)

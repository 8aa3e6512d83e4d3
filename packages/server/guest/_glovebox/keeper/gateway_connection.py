"""The gateway, as the keeper sees it: one connection on keeper.sock.

There is one gateway at a time, and another that connects takes its place. Operations come in, events go
out; both are frames of JSON. Only root and the gateway's user get as far as the first frame.
"""

import os
import selectors
import socket
import struct
from typing import Callable

from _glovebox.wire import frames


class GatewayConnection:
    """Calls `on_connected` when there is a gateway, `on_operation` with what it asks for, and `on_lost`
    when it is gone. What is told while there is none is told to nobody."""

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

    def listen(self, path: str) -> None:
        """Take gateways from now on."""
        if os.path.lexists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        os.chmod(path, 0o600)
        os.chown(path, self._gateway_uid, -1)
        listener.listen(4)
        self._selector.register(listener, selectors.EVENT_READ, lambda: self._accept(listener))

    def tell(self, message: dict) -> None:
        """Send an event."""
        if self._connection is None:
            return
        try:
            self._connection.sendall(frames.encode(message))
        except OSError:
            self._drop()

    def _accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        _, uid, _ = struct.unpack("3i", credentials)
        if uid not in (0, self._gateway_uid):
            connection.close()
            return
        self._drop()
        self._connection = connection
        self._reader = frames.FrameReader(connection)
        self._selector.register(connection, selectors.EVENT_READ, self._read)
        self._on_connected()

    def _drop(self) -> None:
        if self._connection is None:
            return
        self._selector.unregister(self._connection)
        self._connection.close()
        self._connection = None
        self._on_lost()

    def _read(self) -> None:
        assert self._reader
        try:
            operations = self._reader.read_available()
        except (frames.ChannelClosed, frames.FrameTooLarge, ValueError, OSError):
            self._drop()
            return
        for operation in operations:
            self._on_operation(operation)

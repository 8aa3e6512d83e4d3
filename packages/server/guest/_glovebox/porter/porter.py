"""The porter: carries a sandbox's files between /workspace and the gateway.

Made by the keeper when the first file is asked for, and confined by porter/steps.py before it reads its first
byte. One loop serves many requests at once: each is a generator that is continued whenever its request has
credit, in turns, so that a slow download or a large archive holds up no other. It ends when the gateway closes
the connection, and with the sandbox.
"""

import select
import socket
import time
from collections import deque
from typing import Iterator

from _glovebox.porter import wire
from _glovebox.porter.archive import archive
from _glovebox.porter.files import (
    PAUSE,
    FileReader,
    FileWriter,
    Sent,
    list_directory,
    make_directory,
    remove,
    rename,
)
from _glovebox.porter.paths import Refused, code_of
from _glovebox.porter.watch import Watcher

_REQUESTS_MAX = 128
_SIMPLE = {
    "list": list_directory,
    "archive": archive,
    "mkdir": make_directory,
    "rename": rename,
    "remove": remove,
}


class _Request:
    """What is under way: who continues it, and how much may be sent."""

    def __init__(self, work: Iterator[Sent] | None, handler: FileReader | FileWriter | None):
        self.work = work
        self.handler = handler
        self.credit = wire.WINDOW_BYTES
        self.waits = False
        self.watches = False
        self.consumed = 0

    @property
    def runnable(self) -> bool:
        return self.work is not None and self.credit > 0 and not self.waits

    def close(self) -> None:
        if isinstance(self.work, Iterator) and hasattr(self.work, "close"):
            self.work.close()
        if isinstance(self.handler, FileWriter):
            self.handler.close()


class Porter:
    """Serves one gateway over `connection`."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self._receiver = wire.Receiver(connection)
        self._requests: dict[int, _Request] = {}
        self._turns: deque[int] = deque()
        self._watcher = Watcher()
        self._poll = select.poll()
        self._polled_watcher = -1

    def run(self) -> None:
        """Until the gateway closes the connection. What is raised is a fault: of this process, or of what the
        gateway says (WireError, ValueError)."""
        self._poll.register(self._connection, select.POLLIN)
        try:
            self._send(0, wire.HEAD, {"ready": True})
            while True:
                for descriptor, _ in self._poll.poll(self._patience_ms()):
                    if descriptor != self._connection.fileno():
                        self._watcher.changed()
                    elif not self._receiver.receive(self._handle):
                        return
                self._wake_watches()
                self._take_turn()
                self._follow_watcher()
        except ConnectionError:
            return  # The gateway is gone.

    # --- what comes in ----------------------------------------------------------------------

    def _handle(self, number: int, kind: int, payload: memoryview) -> None:
        try:
            if kind == wire.OPEN:
                self._open(number, wire.parse_json(payload))
                return
            request = self._requests.get(number)
            if request is None:
                return  # It has failed, and the gateway has not heard of that yet.
            if kind == wire.CREDIT:
                request.credit += wire.parse_credit(payload)
                self._enqueue(number, request)
            elif kind == wire.CANCEL:
                self._forget(number)
            else:
                self._continue(number, request, kind, payload)
        except wire.WireError:
            raise
        except Exception as failure:  # Whatever is wrong with one request ends that one only.
            self._fail(number, failure)

    def _open(self, number: int, fields: dict) -> None:
        if number in self._requests or len(self._requests) >= _REQUESTS_MAX:
            raise Refused("TOO_MANY")
        operation = fields.get("op")
        if operation == "read":
            reading = FileReader(fields)
            request = _Request(reading.run(), reading)
        elif operation == "write":
            request = _Request(None, FileWriter(fields))
        elif operation == "watch":
            request = _Request(self._watcher.watch(fields), None)
            request.watches = True
        else:
            request = _Request(_SIMPLE[str(operation)](fields), None)
        self._requests[number] = request
        self._enqueue(number, request)

    def _continue(self, number: int, request: _Request, kind: int, payload: memoryview) -> None:
        handler = request.handler
        if kind == wire.ITEM and handler:
            handler.item(wire.parse_json(payload))
            request.waits = False
            self._enqueue(number, request)
        elif kind == wire.DATA and isinstance(handler, FileWriter):
            handler.data(payload)
            request.consumed += len(payload)
            if request.consumed >= wire.WINDOW_BYTES // 4:
                self._connection.sendall(wire.credit_frame(number, request.consumed))
                request.consumed = 0
        elif kind == wire.END and isinstance(handler, FileWriter):
            written = handler.commit()
            self._forget(number)
            self._send(number, wire.END, written)

    # --- what goes out ----------------------------------------------------------------------

    def _take_turn(self) -> None:
        """Continue the request whose turn it is by one frame."""
        if not self._turns:
            return
        number = self._turns.popleft()
        request = self._requests.get(number)
        if request is None or not request.runnable or request.work is None:
            return
        try:
            sent = next(request.work)
        except StopIteration:
            self._forget(number)
            return
        except Exception as failure:  # A file may be of any size and a guest does what it likes to it.
            self._fail(number, failure)
            return
        if sent is None:
            request.waits = True
        elif sent is not PAUSE:
            request.credit -= self._send(number, *sent)
        self._enqueue(number, request)

    def _enqueue(self, number: int, request: _Request) -> None:
        if request.runnable and number not in self._turns:
            self._turns.append(number)

    def _send(self, number: int, kind: int, content: object) -> int:
        """One frame. Returns how much credit it takes. Waits while the gateway is behind, which always reads."""
        if kind != wire.DATA:
            framed = wire.json_frame(number, kind, content)
            self._connection.sendall(framed)
            return len(framed) if kind == wire.ITEM else 0
        if isinstance(content, bytes):
            self._connection.sendall(wire.frame(number, kind, content))
            return len(content)
        chunk, count = content  # type: ignore[misc]
        self._connection.sendall(chunk.frame(number, count))
        return count

    def _fail(self, number: int, failure: BaseException) -> None:
        self._forget(number)
        self._send(number, wire.FAIL, {"code": code_of(failure)})

    def _forget(self, number: int) -> None:
        request = self._requests.pop(number, None)
        if request:
            request.close()

    # --- watching ---------------------------------------------------------------------------

    def _patience_ms(self) -> float | None:
        if self._turns:
            return 0
        if self._watcher.due is None:
            return None
        return max(0.0, self._watcher.due - time.monotonic()) * 1000 + 1

    def _wake_watches(self) -> None:
        if self._watcher.due is None or time.monotonic() < self._watcher.due:
            return
        self._watcher.looked()
        for number, request in self._requests.items():
            if request.watches:
                request.waits = False
                self._enqueue(number, request)

    def _follow_watcher(self) -> None:
        """Before a look that is due anyway, changes need not be told."""
        wanted = self._watcher.descriptor if self._watcher.due is None else -1
        if wanted == self._polled_watcher:
            return
        if self._polled_watcher >= 0:
            try:
                self._poll.unregister(self._polled_watcher)
            except (KeyError, OSError):
                pass
        if wanted >= 0:
            self._poll.register(wanted, select.POLLIN)
        self._polled_watcher = wanted

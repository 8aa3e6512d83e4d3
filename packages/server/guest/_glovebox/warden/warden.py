"""The warden: PID 1 of every sandbox. It adopts and reaps orphans, forwards output that user code
does not write through the kernel, and outlives the kernel long enough to save its last words.

The kernel's output pipes have two possible readers, the kernel itself (cheap: no other process has
to run) and the warden. The one that reads takes the lock, reads, writes what it read to the
kernel's connection, and lets go; so the order on that connection is the order in which it was written. The
gateway turns the warden's reading on only for cells that take long or are being watched.

The gateway closing our connection means that it is gone: PID 1 then exits, and the whole
sandbox with it.
"""

import fcntl
import os
import select
import signal
import socket
import time

from _glovebox.warden import sockets
from _glovebox.wire import frames
from _glovebox.wire.agreement import EXIT_SOCKET_MEMORY
from _glovebox.wire.stream import stream_frame

# JSON escapes a byte to at most six, so a chunk always fits the free part of the socket's buffer.
_CHUNK_BYTES = 16384
_LOCK_RETRY_S = 0.002
# How often the sockets are looked at, while a cell runs that takes long and otherwise.
_BUSY_LOOK_S = 0.2
_IDLE_LOOK_S = 1.0
# After forwarding, let more output gather instead of waking for each line.
_GATHER_S = 0.005


# Of the process: it did not end as it should, and has said why.
EXIT_FAULT = 13


class Warden:
    """State of one sandbox's PID 1. `pipes` maps stream names to the read ends."""

    def __init__(
        self,
        control: socket.socket,
        kernel_connection: socket.socket,
        lock: int,
        pipes: dict[str, int],
    ):
        self._control = control
        self._reader = frames.FrameReader(control)
        self._kernel_connection = kernel_connection
        self._lock = lock
        self._pipes = pipes
        self._budget: dict[str, int] = dict.fromkeys(pipes, 0)
        self._pumping = False
        self._looked = 0.0
        # Not select(), which knows no descriptor beyond 1023.
        self._gateway_reads = select.poll()
        self._gateway_reads.register(kernel_connection, select.POLLOUT)

    def run(self) -> int:
        """Serve until the gateway closes the connection. Returns an exit code."""
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # The kernel reaps our orphans by itself.
        self._control.sendall(frames.encode({"msg_type": "warden_ready", "content": {}}))
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        while True:
            if self._sockets_are_too_many():
                return EXIT_SOCKET_MEMORY
            for descriptor, _ in poll.poll(self._look_s() * 1000):
                if descriptor == self._control.fileno():
                    try:
                        messages = self._reader.read_available()
                    except (frames.ChannelClosed, OSError):
                        return 0
                    for message in messages:
                        self._handle(message, poll)
                else:
                    self._pump()
                    break

    def _look_s(self) -> float:
        return _BUSY_LOOK_S if self._pumping else _IDLE_LOOK_S

    def _sockets_are_too_many(self) -> bool:
        """PID 1 ends, and with it the sandbox, when its sockets hold too much. Says why before."""
        now = time.monotonic()
        if now - self._looked < self._look_s():
            return False
        self._looked = now
        reason = sockets.excess()
        if reason is None:
            return False
        self._control.sendall(stream_frame("stderr", f"[{reason}, which ends it]\n".encode()))
        return True

    def _handle(self, message: dict, poll: select.poll) -> None:
        kind, content = message["msg_type"], message.get("content", {})
        if kind == "pump":
            if content["on"] and not self._pumping:
                self._budget = dict.fromkeys(self._pipes, content["output_bytes_max"])
                for pipe in self._pipes.values():
                    poll.register(pipe, select.POLLIN)
            elif not content["on"] and self._pumping:
                for pipe in self._pipes.values():
                    poll.unregister(pipe)
            self._pumping = content["on"]
        elif kind == "drain":
            self._drain(content["output_bytes_max"])

    def _pump(self) -> None:
        """Forward one chunk of each pipe, unless the kernel is at it or the gateway is behind."""
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_RETRY_S)
            return
        try:
            if not self._gateway_reads.poll(0):
                time.sleep(_LOCK_RETRY_S)
                return
            for name, pipe in self._pipes.items():
                frame = self._take(name, pipe)
                if frame:
                    self._kernel_connection.sendall(frame)
        except OSError:
            pass  # The connection went away; the control connection will tell.
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)
        time.sleep(_GATHER_S)

    def _take(self, name: str, pipe: int) -> bytes:
        """Read what is there, within the execution's budget. Beyond it, count and throw away."""
        try:
            data = os.read(pipe, _CHUNK_BYTES)
        except BlockingIOError:
            return b""
        kept = data[: self._budget[name]]
        self._budget[name] -= len(kept)
        dropped = len(data) - len(kept)
        while dropped and len(data) == _CHUNK_BYTES:  # A flood: empty the pipe at once.
            try:
                data = os.read(pipe, _CHUNK_BYTES)
            except BlockingIOError:
                break
            dropped += len(data)
            if dropped >= 64 * _CHUNK_BYTES:
                break
        return stream_frame(name, kept, dropped) if kept or dropped else b""

    def _drain(self, output_bytes_max: int) -> None:
        """The kernel is dead: send what it left in the pipes. Its connection is shut down first,
        also for children that still hold it, so that the gateway sees where it ends."""
        try:
            self._kernel_connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._budget = dict.fromkeys(self._pipes, output_bytes_max)
        for name, pipe in self._pipes.items():
            # Children that live on may write for ever; a pipe holds no more than this.
            for _ in range(64):
                frame = self._take(name, pipe)
                if not frame:
                    break
                self._control.sendall(frame)
        self._control.sendall(frames.encode({"msg_type": "drained", "content": {}}))

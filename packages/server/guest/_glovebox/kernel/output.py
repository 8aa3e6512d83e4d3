"""How a kernel sends: one connection, one lock, and the pipes behind file descriptors 1 and 2.

All text goes through the two pipes, whether Python, C code or a child process writes it: it stays
in order, and it survives a crash because the warden can still read it. See warden/warden.py for
the lock.
"""

import contextlib
import fcntl
import os
import select
import signal
import socket
import struct
import termios
import threading

from _glovebox.wire import frames
from _glovebox.wire.stream import stream_frame

# A pipe holds 64 KiB. Python's own output empties it before it is full, so that a cell that prints
# much never waits for another process.
_EMPTY_AT_BYTES = 32768
_READ_BYTES = 65536
_ATOMIC_BYTES = select.PIPE_BUF
_NOTHING = struct.pack("i", 0)
_unpack_int = struct.Struct("i").unpack


def _frame(msg_type: str, content: dict) -> bytes:
    """A message as a frame, or a note in its place: user code decides what a MIME bundle holds."""
    try:
        return frames.encode({"msg_type": msg_type, "content": content})
    except (frames.FrameTooLarge, TypeError, ValueError, RecursionError) as failure:
        note = f"[an output of type {msg_type} was left out: {failure}]\n"
        return stream_frame("stderr", note.encode("utf-8", "backslashreplace"))


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view[:_ATOMIC_BYTES]) :]


class Output:
    """Sends messages and the text in the pipes to the gateway, in the order of their making."""

    def __init__(self, connection: socket.socket, lock: int, pipes: dict[str, int]):
        self._connection = connection
        self._lock = lock
        self._pipes = pipes
        self._threads = threading.RLock()
        self._held = b""
        self._unread_bytes = 0
        self._last_stream = ""
        self._budget = dict.fromkeys(pipes, 0)
        # The interrupt handler looks here: an exception inside would leave the lock taken.
        self.busy = 0
        self.interrupt_pending = False
        self._is_child = False

    def begin(self, output_bytes_max: int) -> None:
        """A new execution starts with a new budget for each stream."""
        self._budget = dict.fromkeys(self._pipes, output_bytes_max)

    def _enter(self) -> None:
        self._threads.acquire()
        self.busy += 1

    def _leave(self) -> None:
        self.busy -= 1
        interrupt = self.interrupt_pending and not self.busy
        if interrupt:
            self.interrupt_pending = False
        self._threads.release()
        if interrupt and threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        if interrupt:  # Python runs the handler in the main thread, where the cell runs.
            signal.raise_signal(signal.SIGINT)

    @contextlib.contextmanager
    def uninterrupted(self):
        """An interrupt that comes meanwhile is raised at the end."""
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def become_child(self) -> None:
        """After user code has forked: the lock's owner is the open file description, which the
        child shares, so the child must not touch the connection. The pipes take its text."""
        self._threads = threading.RLock()
        self.busy = 0
        self.interrupt_pending = False
        self._is_child = True
        self._held = b""

    def write_text(self, name: str, descriptor: int, data: bytes) -> None:
        """Python's side of a stream: write to the pipe, keeping order between the two streams."""
        length = len(data)
        if self._last_stream == name and self._unread_bytes + length <= _ATOMIC_BYTES:
            # Nothing to empty and nothing to tear: pipes take so much in one piece.
            self._unread_bytes += length
            os.write(descriptor, data)
            return
        if self._is_child:
            _write_all(descriptor, data)
            return
        self._enter()
        try:
            if self._last_stream != name:
                if self._unread_bytes:
                    self.flush()
                self._last_stream = name
            view = memoryview(data)
            while view:
                part = view[:_EMPTY_AT_BYTES]
                if self._unread_bytes + len(part) > _EMPTY_AT_BYTES:
                    self.flush()
                written = os.write(descriptor, part)
                self._unread_bytes += written
                view = view[written:]
        finally:
            self._leave()

    def send(self, msg_type: str, content: dict) -> None:
        """Send a message behind all the text written so far."""
        if self._is_child:
            self._show_text(content)
        else:
            self._append(_frame(msg_type, content), leave=True)

    def hold(self, msg_type: str, content: dict) -> None:
        """Keep a message for the send that follows at once, so that both leave in one write."""
        if self._is_child:
            self._show_text(content)
        else:
            self._append(_frame(msg_type, content), leave=False)

    def send_aside(self, msg_type: str, content: dict) -> None:
        """Send a message that belongs to no execution. Text written so far stays for the next one."""
        with self.uninterrupted():
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            try:
                self._connection.sendall(_frame(msg_type, content))
            finally:
                fcntl.flock(self._lock, fcntl.LOCK_UN)

    def flush(self) -> None:
        """Send the text written so far."""
        if not self._is_child:
            self._append(b"", leave=True)

    @staticmethod
    def _show_text(content: dict) -> None:
        """A child process cannot send a display; its text is better than nothing."""
        text = content.get("data", {}).get("text/plain")
        if isinstance(text, str):
            _write_all(1, f"{text}\n".encode("utf-8", "backslashreplace"))

    def _append(self, frame: bytes, leave: bool) -> None:
        """Text, message and write happen under the lock: once it is free, the warden may send
        text that is younger."""
        self._enter()
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            try:
                self._held += b"".join(self._read_pipes()) + frame
                if leave and self._held:
                    data, self._held = self._held, b""
                    self._connection.sendall(data)
            finally:
                fcntl.flock(self._lock, fcntl.LOCK_UN)
        finally:
            self._leave()

    def _read_pipes(self) -> list[bytes]:
        texts = []
        for name, pipe in self._pipes.items():
            (waiting,) = _unpack_int(fcntl.ioctl(pipe, termios.FIONREAD, _NOTHING))
            while waiting:
                try:
                    data = os.read(pipe, waiting)
                except BlockingIOError:
                    break
                kept = data[: self._budget[name]]
                self._budget[name] -= len(kept)
                texts.append(stream_frame(name, kept, len(data) - len(kept)))
                # A writer that waits for room in a full pipe has more.
                waiting = _READ_BYTES if waiting >= _EMPTY_AT_BYTES else 0
        self._unread_bytes = 0
        return texts

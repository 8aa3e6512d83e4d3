"""input(), getpass() and sys.stdin of user code: a request to the followers of the execution.

The kernel asks with an input_request on its connection and waits there for the input_reply, so only
the main thread of the kernel can ask, and only while a cell runs that may.
"""

import base64
import builtins
import getpass
import io
import os
import select
import sys
import threading

from _glovebox.kernel.output import Output
from _glovebox.wire import frames

_PROMPT_CHARACTERS_MAX = 4000
_UNAVAILABLE = "input() is not available: "
_NOBODY = (
    _UNAVAILABLE + "nobody can answer while this cell runs. It needs allow_input, and an answer "
    "by POST /sessions/{id}/input"
)
_IN_CHILD = _UNAVAILABLE + "only the kernel's own process can ask, and this is a child of it"
_IN_THREAD = _UNAVAILABLE + "only the main thread can ask"
_NESTED = _UNAVAILABLE + "another input() is waiting already"
_GONE = _UNAVAILABLE + "the connection was closed"


class UserInput:
    """Asks for a line or a piece at a time."""

    def __init__(self, output: Output, reader: frames.FrameReader, connection: int):
        self._output = output
        self._reader = reader
        self._readable = select.poll()
        self._readable.register(connection, select.POLLIN)
        self._pid = os.getpid()
        self._plain_input = builtins.input
        self._waiting = False
        # How many questions this execution has asked. An answer names the question that it is to, so
        # one that comes late, after an interrupt, is not taken for that to the next question.
        self._asked = 0
        self.allowed = False
        # Standard input that came in pieces instead of lines, as far as nobody has read it.
        self._is_piped = False
        self._pieces = b""
        self._ended = False
        self.stdin = _Stream(_Lines(self))
        # The text that the next execution has as its standard input, and what the running one reads it by.
        self._given: int | None = None
        self._given_stream: _Stream | None = None

    def install(self) -> None:
        """Take the place of Python's own."""

        # Functions, as code looks at names and signatures of these.
        def input(prompt="", /):
            return self._input(prompt)

        def ask_secretly(prompt="Password: ", stream=None, **_):
            return self._ask_secretly(prompt)

        input.__doc__ = builtins.input.__doc__
        ask_secretly.__name__ = ask_secretly.__qualname__ = "getpass"
        builtins.input = input
        getpass.getpass = ask_secretly
        sys.stdin = sys.__stdin__ = self.stdin

    def begin(self, allowed: bool) -> None:
        """A new execution."""
        self.allowed = allowed
        self._asked = 0
        if self._is_piped:
            # What its buffers hold is the input of another execution.
            fresh = _Stream(_Lines(self))
            if sys.stdin is self.stdin:
                sys.stdin = fresh
            self.stdin = sys.__stdin__ = fresh
        self._is_piped = self._ended = False
        self._pieces = b""
        if self._given is not None:
            self._stand_at_given_text(self._given)
            self._given = None

    def give(self, text: str) -> None:
        """More of the text that the next execution has as its standard input."""
        if self._given is None:
            self._given = os.memfd_create("stdin", os.MFD_CLOEXEC)
        with open(self._given, "wb", closefd=False) as file:
            file.write(text.encode("utf-8", "surrogateescape"))

    def _stand_at_given_text(self, given: int) -> None:
        """As descriptor 0 it is the standard input of child processes and C code as well."""
        os.lseek(given, 0, os.SEEK_SET)
        os.dup2(given, 0)
        os.close(given)
        self._given_stream = sys.stdin = sys.__stdin__ = _Stream(io.FileIO(0, closefd=False))

    def end(self) -> None:
        """The execution has ended, and what is left of its text goes with it."""
        self.allowed = False
        if self._given_stream is None:
            return
        null = os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC)
        os.dup2(null, 0)
        os.close(null)
        if sys.stdin is self._given_stream:
            sys.stdin = self.stdin
        sys.__stdin__ = self.stdin
        self._given_stream = None

    def _input(self, prompt: object) -> str:
        if sys.stdin is not self.stdin:
            return self._plain_input(prompt)  # User code has its own text to read.
        return self._ask(prompt, password=False)

    def _ask_secretly(self, prompt: object) -> str:
        if self._given_stream is None:
            return self._ask(prompt, password=True)
        sys.stderr.write(str(prompt))
        line = self._given_stream.readline()
        if not line:
            raise EOFError("standard input has ended")
        return line.rstrip("\n")

    def more(self) -> bytes:
        """A line or a piece for sys.stdin, which is at its end where there is no answer."""
        if not self.allowed or os.getpid() != self._pid:
            return b""
        while not self._pieces and not self._ended:
            line = self._request("", password=False)
            if line is not None:
                return line.encode("utf-8", "surrogateescape") + b"\n"
        pieces, self._pieces = self._pieces, b""
        return pieces

    def _ask(self, prompt: object, password: bool) -> str:
        text = str(prompt)[:_PROMPT_CHARACTERS_MAX]
        if not self._is_piped:
            line = self._request(text, password)
            if line is not None:
                return line
        else:
            (sys.stderr if password else sys.stdout).write(text)
        line = self.stdin.readline()
        if not line:
            raise EOFError("EOF when reading a line")
        return line.removesuffix("\n")

    def _request(self, prompt: str, password: bool) -> str | None:
        """A line that was answered. None where a piece has come, or the end."""
        if os.getpid() != self._pid:
            raise EOFError(_IN_CHILD)
        if not self.allowed:
            raise EOFError(_NOBODY)
        if threading.current_thread() is not threading.main_thread():
            raise EOFError(_IN_THREAD)
        if self._waiting:  # A signal handler of user code asks in the midst of a question.
            raise EOFError(_NESTED)
        self._waiting = True
        try:
            self._asked += 1
            self._output.send("input_request", {"prompt": prompt, "password": password})
            reply = self._answer()
        finally:
            self._waiting = False
        if "value" in reply:
            return reply["value"]
        self._is_piped = True
        self._pieces += base64.b64decode(reply["data"])
        self._ended = reply["eof"]
        return None

    def _answer(self) -> dict:
        while True:
            if not self._reader.holds_frame():
                # Here an interrupt may come at any time; between here and the end of the frame it
                # has to wait, or the rest of the frame would be taken for the next one.
                self._readable.poll()
            try:
                with self._output.uninterrupted():
                    message = self._reader.read()
            except (frames.ChannelClosed, OSError):
                raise EOFError(_GONE) from None
            if message.get("msg_type") in ("input_reply", "input_piece"):
                content = message["content"]
                if content["number"] == self._asked:
                    return content


class _Stream(io.TextIOWrapper):
    """sys.stdin."""

    def __init__(self, source: io.RawIOBase):
        super().__init__(io.BufferedReader(source), encoding="utf-8", errors="surrogateescape")

    def close(self) -> None:
        """Closing would end every later question of the session, so it does nothing."""


class _Lines(io.RawIOBase):
    """sys.stdin below its buffers."""

    name = "<stdin>"

    def __init__(self, user_input: UserInput):
        self._user_input = user_input
        self._rest = b""

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 0

    def readinto(self, buffer) -> int:
        data = self._rest or self._user_input.more()
        length = min(len(buffer), len(data))
        buffer[:length] = data[:length]
        self._rest = data[length:]
        return length

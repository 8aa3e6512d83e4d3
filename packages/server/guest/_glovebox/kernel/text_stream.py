"""sys.stdout and sys.stderr of user code."""

import codecs
import io
import sys

from _glovebox.kernel.output import Output

_ENCODING, _ERRORS = "utf-8", "backslashreplace"


class TextStream(io.TextIOBase):
    """sys.stdout or sys.stderr of user code. Unbuffered on purpose: what was printed is never lost."""

    # Attributes of this class, so that they can be assigned; those of the class above cannot.
    encoding = errors = ""
    mode = "w"
    newlines = None
    line_buffering = True
    write_through = True

    def __init__(self, output: Output, name: str, descriptor: int):
        self._output = output
        self._descriptor = descriptor
        self.name = f"<{name}>"
        self._stream = name
        self.encoding, self.errors, self._newline = _ENCODING, _ERRORS, "\n"
        self._is_plain = True
        self.buffer = ByteStream(self)

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if text:
            data = text.encode(_ENCODING, _ERRORS) if self._is_plain else self._encoded(text)
            self._output.write_text(self._stream, self._descriptor, data)
        return len(text)

    def _encoded(self, text: str) -> bytes:
        """What is shown by whoever reads the stream in its encoding. What it is sent in stays UTF-8."""
        if self._newline not in ("", "\n"):
            text = text.replace("\n", self._newline)
        data = text.encode(self.encoding, self.errors)
        return data.decode(self.encoding, "replace").encode(_ENCODING, _ERRORS)

    def reconfigure(
        self, *, encoding=None, errors=None, newline=None, line_buffering=None, write_through=None
    ) -> None:
        """As io.TextIOWrapper's. Nothing is held back, whatever is said of buffering."""
        if encoding is not None:
            codecs.lookup(encoding)
            self.encoding = encoding
            self.errors = "strict"
        if errors is not None:
            codecs.lookup_error(errors)
            self.errors = errors
        if newline is not None:
            if newline not in ("", "\n", "\r", "\r\n"):
                raise ValueError(f"illegal newline value: {newline!r}")
            self._newline = newline
        if line_buffering is not None:
            self.line_buffering = bool(line_buffering)
        if write_through is not None:
            self.write_through = bool(write_through)
        is_utf8 = codecs.lookup(self.encoding).name == _ENCODING
        self._is_plain = is_utf8 and self.errors == _ERRORS and self._newline in ("", "\n")

    def detach(self) -> "ByteStream":
        """The bytes below. This stream can be used further: later cells print to it."""
        return self.buffer

    def flush(self) -> None:
        """Nothing is held back."""

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        """Closing would lose the output of every later cell, so it does nothing."""

    def write_bytes(self, data: bytes) -> int:
        data = bytes(data)
        self._output.write_text(self._stream, self._descriptor, data)
        return len(data)


class ByteStream(io.RawIOBase):
    """sys.stdout.buffer: bytes to the same place."""

    mode = "wb"

    def __init__(self, text: TextStream):
        self._text = text
        self.name = text.name

    @property
    def raw(self) -> "ByteStream":
        """What a buffer has below it. Here is none."""
        return self

    def detach(self) -> "ByteStream":
        return self

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        return self._text.write_bytes(data)

    def fileno(self) -> int:
        return self._text.fileno()

    def isatty(self) -> bool:
        return False

    def close(self) -> None:
        """See TextStream.close."""


def flush_replacements() -> None:
    """What user code has put in place of a stream may hold text back, which Python would write at its end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except KeyboardInterrupt:
            raise
        except BaseException:
            pass  # It is closed, or something else that cannot flush.

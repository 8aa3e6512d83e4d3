"""The keeper's words for the log. Its standard error is a pipe that the supervisor must empty, and a gateway in
wrong hands could have it complain without end: there are so many lines in a minute, and no more."""

import sys
import time

_LINES_PER_MINUTE = 30
_LINE_MAX = 500


class Complaints:
    def __init__(self) -> None:
        self._minute = 0
        self._lines = 0

    def say(self, text: str) -> None:
        """One line, as far as there is room."""
        minute = int(time.monotonic() // 60)
        if minute != self._minute:
            self._minute, self._lines = minute, 0
        self._lines += 1
        if self._lines > _LINES_PER_MINUTE:
            return
        printable = ascii(text[:_LINE_MAX])[1:-1]
        sys.stderr.write(f"glovebox: {printable}\n")
        if self._lines == _LINES_PER_MINUTE:
            sys.stderr.write("glovebox: the keeper says no more in this minute\n")
        sys.stderr.flush()

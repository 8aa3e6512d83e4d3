"""The cells of a session, for `%rerun`, `%history -g` and whatever else asks IPython's history.

IPython keeps its history in a database, to find it in later sessions. Here a session is all there is, and its cells
lie in lists already.
"""

import fnmatch

from IPython.core.history import HistoryManager


class SessionHistory(HistoryManager):
    """Answers from the lists what IPython's own asks its database for. Sessions have the number 0, the current one."""

    def get_tail(self, n=10, raw=True, output=False, include_latest=False):
        """The last `n` cells, the latest last. Without the one that runs, unless it is asked for."""
        end = len(self.input_hist_raw) - (0 if include_latest else 1)
        return list(self._get_range_session(max(1, end - n), end, raw, output)) if end > 1 else []

    def search(self, pattern="*", raw=True, search_raw=True, output=False, n=None, unique=False):
        """Cells that match as a whole, the latest last; of equal ones the last where each counts once."""
        searched = self.input_hist_raw if search_raw else self.input_hist_parsed
        pattern = pattern.replace("[^", "[!")
        numbers = [at for at in range(1, len(searched)) if fnmatch.fnmatchcase(searched[at], pattern)]
        if unique:
            numbers = sorted({searched[at]: at for at in numbers}.values())
        if n is not None:
            numbers = numbers[len(numbers) - min(n, len(numbers)) :]
        for at in numbers:
            yield from self._get_range_session(at, at + 1, raw, output)

"""Batches: their bodies, and a bar that shows how far they are."""

from __future__ import annotations

import sys
import time
from typing import Any, Dict, List, Mapping, Optional, Union

from ._requests import defined, input_files
from .errors import invalid

#: The server's bound, and below its bound on the bytes of a body.
BATCH_ITEMS_MAX = 1000
BATCH_BYTES_MAX = 4 * 1024 * 1024


def batch_item(item: Union[str, Mapping[str, Any]]) -> Dict[str, Any]:
    if isinstance(item, str):
        return {"code": item}
    if not isinstance(item, Mapping) or not isinstance(item.get("code"), str):
        raise invalid("An item of a batch is code, or a dict with code.")
    files = item.get("files")
    return defined(**{**item, "files": None if files is None else input_files(files)})


def batch_body(
    items: List[Dict[str, Any]],
    concurrency: Optional[int],
    stop_on: Optional[str],
    include: Optional[List[str]],
) -> Dict[str, Any]:
    options = defined(concurrency=concurrency, stop_on=stop_on, include=include)
    return {"items": items, "stream": True, **options}


class Progress:
    """A bar by tqdm where it is installed, else a line on standard error; nothing without a total."""

    def __init__(self, total: Optional[int]) -> None:
        self._total = total
        self._done = 0
        self._failed = 0
        self._shown_at = 0.0
        self._bar: Any = None

    def __enter__(self) -> "Progress":
        if self._total is not None:
            try:
                from tqdm.auto import tqdm

                self._bar = tqdm(total=self._total, unit="run")
            except ImportError:
                pass
        return self

    def step(self, ok: bool) -> None:
        self._done += 1
        self._failed += not ok
        if self._total is None:
            return
        if self._bar is not None:
            self._bar.set_postfix(failed=self._failed, refresh=False)
            self._bar.update()
        elif self._done == self._total or time.monotonic() - self._shown_at > 0.2:
            self._shown_at = time.monotonic()
            done, total = self._done, self._total
            sys.stderr.write(f"\r{done}/{total} runs, {self._failed} failed")
            sys.stderr.flush()

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
        elif self._total is not None and self._done > 0:
            sys.stderr.write("\n")

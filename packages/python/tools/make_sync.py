"""Writes src/glovebox/_sync of src/glovebox/_async; with --check it only says whether they agree.

A test of the repository runs the check. `_ways.py` is the one file that is written twice by hand.
"""

import re
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parent.parent / "src" / "glovebox"
HEAD = "# Made of _async/{name} by tools/make_sync.py.\n"
WORDS = {
    "AsyncIterator": "Iterator",
    "AsyncIterable": "Iterable",
    "AsyncGenerator": "Generator",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "StopAsyncIteration": "StopIteration",
    "aclose": "close",
    "aread": "read",
    "aiter_bytes": "iter_bytes",
}
RULES = [
    (re.compile(r"\bAsyncGenerator\[(\w+), None\]"), r"Generator[\1, None, None]"),
    (re.compile(r"\basync (def|with|for)\b"), r"\1"),
    (re.compile(r"\bawait "), ""),
    *((re.compile(rf"\b{word}\b"), plain) for word, plain in WORDS.items()),
    (re.compile(r"\bAsync([A-Z]\w*)"), r"\1"),
    (re.compile(r"\bawaits?\b"), "waits for"),
]


def to_sync(name: str, text: str) -> str:
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return HEAD.format(name=name) + text


def main(check: bool) -> int:
    differing = []
    for path in sorted((SOURCE / "_async").glob("*.py")):
        if path.name in ("__init__.py", "_ways.py"):
            continue
        target = SOURCE / "_sync" / path.name
        text = to_sync(path.name, path.read_text())
        if target.exists() and target.read_text() == text:
            continue
        differing.append(target.name)
        if not check:
            target.write_text(text)
    for name in differing:
        print(f"_sync/{name} {'differs: run tools/make_sync.py' if check else 'written'}")
    return 1 if check and differing else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv))

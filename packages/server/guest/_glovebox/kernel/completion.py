"""What an editor asks about code: how it could go on, what a name is, whether it is complete.

Runs in a fork of the kernel, see kernel/questions.py. IPython does the work; Jedi is off.
"""

import builtins
import keyword
import pkgutil
import re
import sys

from IPython.core.completer import provisionalcompleter, rectify_completions
from IPython.utils.tokenutil import token_at_cursor

from _glovebox.kernel import preview

_MATCHES_MAX = 500
_MATCH_CHARACTERS_MAX = 500
_TEXT_CHARACTERS_MAX = 65536
_CUT = "\n[cut]"
# Code of a cell is in no file.
_FILE_OF_CELL = re.compile(r"^File: .*<cell \d+>\n?", re.MULTILINE)
_IMPORT = re.compile(r"\s*(?:import|from)\s+[\w.]*$")
# What IPython calls each name that it finds.
_VAGUE = ("<unknown>", "variable")

_root_modules: dict[str, list[str]] = {}


def remember_root_modules() -> None:
    """In the zygote: what `import` can begin with in the tree, which is read-only."""
    for path in sys.path:
        _root_modules[path] = [module.name for module in pkgutil.iter_modules([path])]


def complete(shell, code: str, cursor_pos: int) -> dict:
    """How the name before the cursor may end. Positions count code points."""
    cursor = min(cursor_pos, len(code))
    # Without its cache IPython would walk through every library at each import.
    shell.db = {"rootmodules_cache": _root_modules}
    with provisionalcompleter():
        found = list(rectify_completions(code, shell.Completer.completions(code, cursor)))
    found = [one for one in found if len(one.text) <= _MATCH_CHARACTERS_MAX][:_MATCHES_MAX]
    matches = [one.text for one in found]
    start = found[0].start if found else cursor
    if matches and code[start : start + 1] == "." and all(text[0] == "." for text in matches):
        # IPython replaces the dot, too. An editor shows names.
        matches, start = [text[1:] for text in matches], start + 1
    importing = _IMPORT.match(code[:cursor].rpartition("\n")[2])
    return {
        "matches": matches,
        "cursor_start": start,
        "cursor_end": found[0].end if found else cursor,
        "types": ["module" if importing else _type_of(shell, one) for one in found],
    }


def _type_of(shell, match) -> str:
    """What a match is, as far as that can be told without evaluating anything."""
    text = match.text
    if match.type not in _VAGUE:
        return match.type
    if text.endswith("="):
        return "param"
    if keyword.iskeyword(text):
        return "keyword"
    for namespace in (shell.user_ns, vars(builtins)):
        if text in namespace:
            return preview.category(namespace[text])
    return "unknown"


def inspect(shell, code: str, cursor_pos: int, detail_level: int) -> dict:
    """Signature, docstring and the like of the name at the cursor; with detail_level 1 its source."""
    name = token_at_cursor(code, min(cursor_pos, len(code)))
    info = shell._object_find(name) if name else None
    if not info or not info.found:
        return {"found": False, "data": {}, "metadata": {}}
    # A value's own __str__ is left out: it may be endless, and the preview is not.
    shell.inspector.str_detail_level = 2
    bundle = shell.inspector._get_info(info.obj, name, info=info, detail_level=detail_level)
    text = _FILE_OF_CELL.sub("", bundle["text/plain"])
    if preview.category(info.obj) == "instance" and not info.ismagic:
        text = f"{text}\nPreview:   {preview.preview(info.obj)}"
    if len(text) > _TEXT_CHARACTERS_MAX:
        text = text[:_TEXT_CHARACTERS_MAX] + _CUT
    return {"found": True, "data": {"text/plain": text}, "metadata": {}}


def is_complete(shell, code: str) -> dict:
    """Whether a person who types this is done with it."""
    status, spaces = shell.input_transformer_manager.check_complete(code)
    return {"status": status, "indent": " " * min(spaces or 0, 1000)}

"""Matplotlib's backends, all of which are drawn inline: a sandbox has no screen, and a figure that is
drawn into nothing is neither seen nor closed."""

import sys

import matplotlib
from matplotlib import pyplot
from matplotlib.backends.registry import backend_registry

_INLINE = "module://matplotlib_inline.backend_inline"
# What `savefig` makes of a name without a suffix.
_FORMATS = {"pdf": "pdf", "pgf": "pdf", "ps": "ps", "svg": "svg"}
_WITHOUT_SCREEN = frozenset({*_FORMATS, "agg", "cairo", "template"})
_NAMES_OF_MAGIC = frozenset({"gtk", "notebook", "osx", "qt", "qt4", "qt5", "qt6", "tk", "widget", "ipympl"})


def keep_inline() -> None:
    """In the zygote, once: whichever backend code chooses, by `matplotlib.use` or `switch_backend`, figures
    are shown as without a choice."""
    switch = pyplot.switch_backend
    builtin = frozenset(map(str.lower, backend_registry.list_builtin()))

    def switch_backend(newbackend: str) -> None:
        name = newbackend.lower() if isinstance(newbackend, str) else newbackend
        if name not in builtin:
            switch(newbackend)
            return
        if not _is_inline():
            switch(_INLINE)
        _note_screen(newbackend)
        matplotlib.rcParams["backend"] = name
        if name in _FORMATS:
            matplotlib.rcParams["savefig.format"] = _FORMATS[name]

    switch_backend.__doc__ = switch.__doc__
    pyplot.switch_backend = switch_backend


def gui_in_place_of(gui: str | None) -> str | None:
    """What `%matplotlib` is to set up where `gui` is asked for."""
    name = (gui or "auto").lower()
    if name == "auto":
        return "inline"
    known = (backend_registry.list_builtin(), backend_registry.list_gui_frameworks(), _NAMES_OF_MAGIC)
    if not any(name == one.lower() for group in known for one in group):
        return gui  # IPython knows it, or says that nobody does.
    _note_screen(gui)
    return "inline"


def _is_inline() -> bool:
    return pyplot._get_backend_mod().__dict__.get("flush_figures") is not None


def _note_screen(name: str) -> None:
    if name.lower() not in _WITHOUT_SCREEN:
        print(f"Glovebox: {name} needs a screen or widgets; figures are shown inline.", file=sys.stderr)

"""Libraries that expect what a sandbox has not, or that leave traces where they are imported."""

import functools
import re
import sys
import warnings

# A line of plotly's library that is a comment, and the spaces before code. A string goes on behind a backslash.
_COMMENT_LINES = re.compile(r"\n[ \t]*//[^\n]*(?=\n)")
_COMMENT_BLOCKS = re.compile(r"\n[ \t]*/\*(?:[^*]|\*(?!/))*\*/[ \t]*(?=\n)")
_INDENTATION = re.compile(r"(?<!\\)\n\s+")


def settle() -> None:
    """In the zygote, once. A library that the root file system lacks needs no telling."""
    _show_bars_as_text()
    _slim_plotly()
    _warn_as_python_does()


def _show_bars_as_text() -> None:
    try:
        import tqdm.notebook
        from tqdm.std import tqdm as bar
        from tqdm.std import trange
    except ImportError:
        return
    # Without widgets these raise; code that was written for a notebook gets the bar of a terminal.
    tqdm.notebook.tqdm = tqdm.notebook.tqdm_notebook = bar
    tqdm.notebook.trange = tqdm.notebook.tnrange = trange


def _warn_as_python_does() -> None:
    """plotly replaces the format of every warning when it is imported, which no session has done yet."""
    warnings.formatwarning = warnings._formatwarning_orig


def _slim_plotly() -> None:
    """Debian has plotly's JavaScript as it was written, which is more than a message may hold."""
    try:
        from plotly.offline import offline
    except ImportError:
        return
    whole = offline.get_plotlyjs

    @functools.wraps(whole)
    def get_plotlyjs():
        return slim(whole())

    for module in [one for name, one in sys.modules.items() if name.startswith("plotly.")]:
        if getattr(module, "get_plotlyjs", None) is whole:
            module.get_plotlyjs = get_plotlyjs


def slim(script: str) -> str:
    """JavaScript without the lines that are comments, and without indentation."""
    for pattern in (_COMMENT_BLOCKS, _COMMENT_LINES):
        script = pattern.sub("", script)
    return _INDENTATION.sub("\n", script)

"""Which cells take the short path: plain Python, and nothing of IPython's set so that it would differ.

Asked before each cell, so it looks where traits keep their values, and compares lists, which costs
little as long as they hold the same objects.
"""

import re

from IPython.core.autocall import IPyAutocall
from IPython.core.macro import Macro

from _glovebox.kernel.cell_pieces import Piece, pieces_of

_FIRST_NAME = re.compile(r"\s*([A-Za-z_]\w*)")
_CALLED_BY_NAME = (IPyAutocall, Macro)


class ShortPath:
    """Of one shell. Made before user code has been seen: what is so then is the default."""

    def __init__(self, shell):
        for name in ("ast_transformers", "ast_node_interactivity", "autocall", "input_transformers_post"):
            getattr(shell, name)  # Reading a trait once puts its default where its value is kept.
        self._shell = shell
        self._values = shell._trait_values
        self._logger = shell.logger
        self._callbacks = shell.events.callbacks
        self._line_magics = shell.magics_manager.magics["line"]
        self._manager, self._prefilter = shell.input_transformer_manager, shell.prefilter_manager
        self._cleanup = list(self._manager.cleanup_transforms)
        self._lines = list(self._manager.line_transforms)
        self._tokens = list(self._manager.token_transformers)
        self._transformers = list(self._prefilter._transformers)
        self._checkers = list(self._prefilter._checkers)

    def pieces(self, code: str) -> list[Piece] | None:
        """Compiled code for a cell that needs nothing of IPython's, else None."""
        if self._is_customised():
            return None
        shell = self._shell
        if "\n" not in code:
            first = _FIRST_NAME.match(code)
            if first and first[1] not in shell.user_ns and first[1] in self._line_magics:
                return None  # Automagic: `ls -l` is valid Python, and yet not meant as such.
            if first and isinstance(shell.user_ns.get(first[1]), _CALLED_BY_NAME):
                return None  # `exit` alone means a call, and so does a macro's name.
        if "__future__" in code:
            return None  # IPython keeps such flags for later cells.
        name = f"<cell {self._values['execution_count']}>"
        try:
            return pieces_of(code, name, shell.compile.flags)
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
            return None  # IPython knows whether this is a magic, an await or a mistake.

    def _is_customised(self) -> bool:
        values = self._values
        if values["ast_transformers"] or values["ast_node_interactivity"] != "last_expr":
            return True
        if values["input_transformers_post"] or values["autocall"] or self._logger.log_active:
            return True
        if self._callbacks["pre_run_cell"] or self._callbacks["post_run_cell"]:
            return True  # They are told about the cell in IPython's own terms.
        manager = self._manager
        if (
            manager.cleanup_transforms != self._cleanup
            or manager.line_transforms != self._lines
            or manager.token_transformers != self._tokens
        ):
            return True
        prefilter = self._prefilter
        return prefilter._transformers != self._transformers or prefilter._checkers != self._checkers

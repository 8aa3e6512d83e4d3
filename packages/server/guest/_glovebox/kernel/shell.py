"""IPython's shell, told where results go, with a short path for plain Python cells.

A cell that is valid Python without magics needs none of IPython's source transformations, which
tokenize in pure Python and cost more than most cells take to run. Whatever is special (magics, `!cmd`, `?`, top-level
await, registered transformers) goes IPython's own way, so both paths mean the same.
"""

import codeop
import linecache
import re
import subprocess
import sys
import tempfile
import traceback
import types
import warnings
from dataclasses import dataclass

from IPython.core.autocall import IPyAutocall
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir
from traitlets.config import Config

from _glovebox.display import formats
from _glovebox.display.rich_output import Publisher, ResultHook
from _glovebox.kernel.cell_pieces import Piece, pieces_of
from _glovebox.kernel.own_frames import starts_in_own_file, without_own_frames

_FIRST_NAME = re.compile(r"\s*([A-Za-z_]\w*)")
# codeop asks the compiler to treat a cell as something still being typed.
_INCOMPLETE_INPUT_FLAGS = codeop.PyCF_DONT_IMPLY_DEDENT | codeop.PyCF_ALLOW_INCOMPLETE_INPUT


@dataclass
class Outcome:
    """How a cell ended. `error` holds Jupyter's ename, evalue and traceback."""

    error: dict | None = None
    exit_code: int | None = None
    interrupted: bool = False


class CellExit(IPyAutocall):
    """`exit`, `exit()` and `exit(4)`."""

    rewrite = False

    def __call__(self, code=0):
        raise SystemExit(code)


class Shell(InteractiveShell):
    """One session's interpreter. Made once in the zygote, used in every fork."""

    displayhook_class = ResultHook
    display_pub_class = Publisher

    def __init__(self, **options):
        # Given when the kernel starts; the zygote has no listener.
        self.send = self.hold = lambda msg_type, content: None
        self.outcome = Outcome()
        super().__init__(**options)

    def init_history(self):
        super().init_history()
        self.history_manager.enabled = False

    def init_sys_modules(self):
        # User functions live in `__main__`, where pickle and multiprocessing look for them.
        self._main_mod_cache = {}
        sys.modules["__main__"] = self.user_module

    def reset(self, *arguments, **options):
        super().reset(*arguments, **options)
        # It goes with the names, and multiprocessing asks for it before it starts a process anew.
        self.user_module.__spec__ = None

    def init_io(self):
        """Streams are put in place after the fork."""

    def plain_printers_untouched(self, kind: type) -> bool:
        formatter = self.display_formatter.formatters["text/plain"]
        return (
            formatter.type_printers.get(kind) is self._first_printers.get(kind)
            and self.display_formatter.active_types == self._first_active
        )

    def remember_printers(self) -> None:
        formatter = self.display_formatter.formatters["text/plain"]
        self._first_printers = {kind: formatter.type_printers.get(kind) for kind in (int, bool)}
        self._first_active = list(self.display_formatter.active_types)

    def remember_what_stays(self) -> None:
        """Objects that every cell needs and that live as long as the shell. Reading a trait once
        puts its default where `_trait_values` has it."""
        for owner, trait in (
            (self, "ast_transformers"),
            (self, "execution_count"),
            (self.history_manager, "input_hist_parsed"),
            (self.history_manager, "input_hist_raw"),
            *((self.history_manager, name) for name in ("_i", "_ii", "_iii", "_i00")),
        ):
            getattr(owner, trait)
        self._line_magics = self.magics_manager.magics["line"]
        self._cell_numbers = self.compile._filename_map
        self._callbacks = self.events.callbacks

    # --- running ----------------------------------------------------------------------------

    def run(self, code: str) -> Outcome:
        """Run one cell and say how it ended. Output goes through `send` and the streams."""
        self.outcome = Outcome()
        pieces = self._plain_pieces(code)
        if pieces is None:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="To exit: use 'exit'")
                result = super().run_cell(code, store_history=True)
            failure = result.error_in_exec or result.error_before_exec
            if isinstance(failure, SystemExit):
                self._take_exit(failure)
        else:
            self._run_plain(code, pieces)
        return self.outcome

    def run_quietly(self, code: str) -> Outcome:
        """Run our own code: in a namespace apart, without a number, a value or a place in the history."""
        self.outcome = Outcome()
        try:
            exec(compile(code, "<glovebox>", "exec"), {"__name__": "glovebox"})
        except SystemExit as request:
            self._take_exit(request)
        except BaseException:
            self.showtraceback(running_compiled_code=True)
        return self.outcome

    def _plain_pieces(self, code: str) -> list[Piece] | None:
        """Compiled code for a cell that needs nothing of IPython's syntax, else None."""
        values = self._trait_values
        if values["ast_transformers"] or self.input_transformers_post:
            return None
        if self._callbacks["pre_run_cell"] or self._callbacks["post_run_cell"]:
            return None  # They are told about the cell in IPython's own terms.
        if "\n" not in code:
            first = _FIRST_NAME.match(code)
            if first and first[1] not in self.user_ns and first[1] in self._line_magics:
                return None  # Automagic: `ls -l` is valid Python, and yet not meant as such.
            if first and isinstance(self.user_ns.get(first[1]), IPyAutocall):
                return None  # `exit` alone means a call.
        if "__future__" in code:
            return None  # IPython keeps such flags for later cells.
        name = f"<cell {values['execution_count']}>"
        flags = self.compile.flags
        try:
            return pieces_of(code, name, flags)
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
            return None  # IPython knows whether this is a magic, an await or a mistake.

    def _run_plain(self, code: str, pieces: list[Piece]) -> None:
        # Reading and setting a trait costs more than running a short cell; its value lies here.
        values = self._trait_values
        count = values["execution_count"]
        self._trigger("pre_execute")
        self._remember_input(code, count)
        try:
            for piece, is_shown in pieces:
                if is_shown:
                    sys.displayhook(eval(piece, self.user_ns))
                else:
                    exec(piece, self.user_ns)
        except SystemExit as request:
            self._take_exit(request)
        except BaseException:
            self.showtraceback(running_compiled_code=True)
        self._trigger("post_execute")
        values["execution_count"] = count + 1

    def _trigger(self, event: str) -> None:
        if self._callbacks[event]:
            self.events.trigger(event)

    def _remember_input(self, code: str, count: int) -> None:
        """What HistoryManager.store_inputs does without its database: `In`, `_i` and its kin. The
        source is kept as well, for tracebacks and inspect.getsource."""
        history = self.history_manager._trait_values
        history["input_hist_parsed"].append(code)
        history["input_hist_raw"].append(code)
        namespace = self.user_ns
        history["_iii"] = namespace["_iii"] = history["_ii"]
        history["_ii"] = namespace["_ii"] = history["_i"]
        history["_i"] = namespace["_i"] = history["_i00"]
        history["_i00"] = namespace[f"_i{count}"] = code
        name = f"<cell {count}>"
        linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
        self._cell_numbers[name] = count

    def _take_exit(self, request: SystemExit) -> None:
        value = request.code
        if value is None:
            self.outcome.exit_code = 0
        elif isinstance(value, int):
            self.outcome.exit_code = value & 0xFF
        else:
            self.outcome.exit_code = 1
            try:
                print(value, file=sys.stderr)
            except Exception:
                pass  # The value's own __str__ failed; the exit stands.

    def init_user_ns(self):
        """`exit` and `quit` end the cell with a code; the session goes on."""
        super().init_user_ns()
        for name in ("exit", "quit"):
            self.user_ns[name] = self.user_ns_hidden[name] = CellExit(self)

    # --- errors -----------------------------------------------------------------------------

    def _get_exc_info(self, exc_tuple=None):
        """Leave out the frames of this product: users look for their own lines."""
        kind, value, trace = super()._get_exc_info(exc_tuple)
        return kind, value, without_own_frames(trace)

    def showtraceback(self, exc_tuple=None, filename=None, tb_offset=None, **options):
        kind, value, _ = exc_tuple or sys.exc_info()
        if kind is not None and issubclass(kind, SystemExit):
            return
        if isinstance(value, BaseExceptionGroup):
            # IPython would print these past us.
            kind, value, trace = self._get_exc_info(exc_tuple)
            lines = traceback.format_exception(kind, value, trace)
            self._showtraceback(kind, value, [line.rstrip("\n") for line in lines])
            return
        # Our own frames are gone already, so there is none for IPython to skip on the plain path.
        frame_is_ours = exc_tuple is None and starts_in_own_file(sys.exc_info()[2])
        super().showtraceback(
            exc_tuple, filename, 0 if frame_is_ours else tb_offset, **options
        )

    def show_usage_error(self, exc):
        self._showtraceback(type(exc), exc, [f"UsageError: {exc}"])

    def _showtraceback(self, etype, evalue, stb):
        self.outcome.interrupted = issubclass(etype, KeyboardInterrupt)
        try:
            text = str(evalue)
        except Exception:
            text = "<exception str() failed>"
        self.outcome.error = {
            "ename": str(etype.__name__)[:1024],
            "evalue": text[:65536],
            "traceback": [str(line)[:65536] for line in stb][:200],
        }

    # --- what needs a terminal or a parent elsewhere ------------------------------------------

    def system(self, cmd):
        """`!cmd`: the child writes to our own descriptors 1 and 2, so its output stays in order."""
        command = self.var_expand(cmd, depth=1)
        try:
            code = subprocess.call(
                command, shell=True, executable="/bin/bash", stdin=subprocess.DEVNULL
            )
        except KeyboardInterrupt:
            code = 130
        self.user_ns["_exit_code"] = code

    def enable_gui(self, gui=None):
        """There is no display; every backend is inline."""


def make_shell() -> Shell:
    """Build the shell in the zygote. Takes tens of milliseconds, which no session has to wait for."""
    config = Config()
    # Jedi would take a second to load, and reads whatever files it likes.
    config.Completer.use_jedi = config.IPCompleter.use_jedi = False
    config.Completer.evaluation = config.IPCompleter.evaluation = "limited"
    config.HistoryManager.enabled = False
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "NoColor"
    config.InteractiveShell.xmode = "Context"
    config.InteractiveShell.autocall = 0
    config.InteractiveShell.banner1 = ""
    profile = ProfileDir.create_profile_dir(tempfile.mkdtemp(), config=config)
    module = types.ModuleType("__main__", "The cells of this session.")
    shell = Shell(config=config, profile_dir=profile, user_module=module)
    InteractiveShell._instance = shell
    Shell._instance = shell
    shell.builtin_trap.__enter__()
    shell.display_trap.__enter__()
    shell.user_ns.pop("exit_raw", None)

    shell.compile.flags &= ~_INCOMPLETE_INPUT_FLAGS
    shell.remember_what_stays()
    shell.enable_matplotlib("inline")
    formats.install(shell)
    shell.remember_printers()
    return shell

"""IPython's shell, told where results go, with a short path for plain Python cells.

A cell that is valid Python without magics needs none of IPython's source transformations, which
tokenize in pure Python and cost more than most cells take to run. What short_path.py lets through not
goes IPython's own way, so both paths mean the same.
"""

import codeop
import linecache
import subprocess
import sys
import tempfile
import traceback
import types
import warnings

from IPython.core.autocall import IPyAutocall
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir
from traitlets.config import Config

from _glovebox.display import formats
from _glovebox.display.rich_output import PlainPrinters, Publisher, ResultHook
from _glovebox.kernel import backends
from _glovebox.kernel.cell_pieces import Piece
from _glovebox.kernel.history import SessionHistory
from _glovebox.kernel.last_result import LastResult
from _glovebox.kernel.magics import OwnMagics
from _glovebox.kernel.outcome import Outcome, described
from _glovebox.kernel.own_frames import without_own_frames
from _glovebox.kernel.short_path import ShortPath

# codeop asks the compiler to treat a cell as something still being typed.
_INCOMPLETE_INPUT_FLAGS = codeop.PyCF_DONT_IMPLY_DEDENT | codeop.PyCF_ALLOW_INCOMPLETE_INPUT


class CellExit(IPyAutocall):
    """`exit`, `exit()` and `exit(4)`."""

    rewrite = False

    def __call__(self, code=0):
        raise SystemExit(code)


class Shell(LastResult, InteractiveShell):
    """One session's interpreter. Made once in the zygote, used in every fork."""

    displayhook_class = ResultHook
    display_pub_class = Publisher

    def __init__(self, **options):
        # Given when the kernel starts; the zygote has no listener.
        self.send = self.hold = lambda msg_type, content: None
        self.outcome = Outcome()
        self._shown, self._is_asked = None, False
        # How many cells code runs within the one that was sent.
        self._depth = 0
        super().__init__(**options)
        # Bookmarks and the like. IPython keeps them in files where a library is there that does.
        self.db = {}

    def init_history(self):
        self.history_manager = SessionHistory(shell=self, parent=self)
        self.history_manager.enabled = False
        self.configurables.append(self.history_manager)

    def init_sys_modules(self):
        # User functions live in `__main__`, where pickle and multiprocessing look for them.
        self._main_mod_cache = {}
        sys.modules["__main__"] = self.user_module

    def reset(self, *arguments, **options):
        super().reset(*arguments, **options)
        # They go with the names. multiprocessing asks for the last before it starts a process anew.
        self.user_module.__doc__ = "The cells of this session."
        for name in ("__package__", "__loader__", "__spec__"):
            self.user_ns[name] = None

    def init_io(self):
        """Streams are put in place after the fork."""

    def remember_what_stays(self) -> None:
        """Objects that every cell needs and that live as long as the shell. Reading a trait once
        puts its default where `_trait_values` has it."""
        for owner, trait in (
            (self, "execution_count"),
            (self.history_manager, "input_hist_parsed"),
            (self.history_manager, "input_hist_raw"),
            *((self.history_manager, name) for name in ("_i", "_ii", "_iii", "_i00")),
        ):
            getattr(owner, trait)
        self._cell_numbers = self.compile._filename_map
        self._callbacks = self.events.callbacks
        self._short_path = ShortPath(self)

    # --- running ----------------------------------------------------------------------------

    def run(self, code: str) -> Outcome:
        """Run one cell and say how it ended. Output goes through `send` and the streams."""
        self._begin()
        pieces = self._short_path.pieces(code)
        if pieces is None:
            return self._run_ipython(code, store_history=True)
        self._run_plain(code, pieces)
        return self.outcome

    def run_apart(self, code: str, silent: bool) -> Outcome:
        """Run a cell that has no number and no place in the history; a silent one shows no value either."""
        self._begin()
        return self._run_ipython(code, store_history=False, silent=silent)

    def _begin(self) -> None:
        self.outcome = Outcome()
        self._shown, self._is_asked = None, False

    def _run_ipython(self, code: str, **how: bool) -> Outcome:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", message="To exit: use 'exit'")
                result = super().run_cell(code, **how)
        except KeyboardInterrupt:
            raise
        except BaseException as raised:  # By a printer of tracebacks that user code has put in place.
            self._take_failure(raised)
        else:
            # What a magic has shown and not let through is in neither.
            self._take_failure(result.error_in_exec or result.error_before_exec or self._shown)
        return self.outcome

    def run_cell(self, *arguments, **options):
        """For code and for magics. What fails inside is shown, and the cell around it goes on, as in Jupyter."""
        self._depth += 1
        try:
            return super().run_cell(*arguments, **options)
        finally:
            self._depth -= 1

    def _is_inside(self, etype) -> bool:
        """Whether this ends a cell inside alone. An interrupt is meant for all of it."""
        return self._depth > 0 and not issubclass(etype, KeyboardInterrupt)

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

    def run_calling(self, function) -> Outcome:
        """Run what user code has left to be called: without a number, a value or a place in the history."""
        self._begin()
        try:
            function()
        except KeyboardInterrupt:
            raise
        except BaseException as raised:
            self._end_in(raised)
        return self.outcome

    def _run_plain(self, code: str, pieces: list[Piece]) -> None:
        # Reading and setting a trait costs more than running a short cell; its value lies here.
        values = self._trait_values
        count = values["execution_count"]
        self._trigger("pre_execute")
        self._remember_input(code, count)
        failure = None
        try:
            for piece, is_shown in pieces:
                if is_shown:
                    sys.displayhook(eval(piece, self.user_ns))
                else:
                    exec(piece, self.user_ns)
        except BaseException as raised:
            failure = raised
            self._end_in(raised)
        values["last_execution_succeeded"] = failure is None
        self._last_run = (code, count, failure)
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

    def _end_in(self, failure: BaseException) -> None:
        """As IPython's run_code does. Whatever prints may be user code."""
        try:
            if isinstance(failure, self.custom_exceptions):
                self.CustomTB(*self._get_exc_info())
            else:
                self.showtraceback(running_compiled_code=True)
        except KeyboardInterrupt:
            raise
        except BaseException as broken:
            for one in (broken, failure):
                one.__traceback__ = without_own_frames(one.__traceback__)
            print("".join(traceback.format_exception(broken)), end="", file=sys.stderr)
        self._take_failure(failure)

    def _take_failure(self, failure: BaseException | None) -> None:
        """How the cell ended does not depend on who has printed it, and whether."""
        if isinstance(failure, SystemExit):
            self._take_exit(failure)
        elif failure is not None and self.outcome.error is None:
            self._note_error(type(failure), failure, None)

    def _note_error(self, etype, evalue, lines: list[str] | None) -> None:
        self.outcome.interrupted = issubclass(etype, KeyboardInterrupt)
        self.outcome.error = described(etype, evalue, lines)

    def _get_exc_info(self, exc_tuple=None):
        """Leave out the frames of this product: users look for their own lines. Printers expect one
        that called user code, as IPython's own does, and leave it out themselves."""
        kind, value, trace = super()._get_exc_info(exc_tuple)
        is_code = exc_tuple is None and kind is not None and not issubclass(kind, SyntaxError)
        return kind, value, without_own_frames(trace, keep_caller=is_code)

    def showtraceback(self, exc_tuple=None, filename=None, tb_offset=None, **options):
        kind, value, trace = exc_tuple or sys.exc_info()
        if kind is not None and issubclass(kind, SystemExit):
            return
        # `%tb`, a cell that shows what it has caught, or a display one of whose forms failed: it goes on.
        is_of_display = sys._getframe(1).f_code.co_name == "catch_format_error"
        is_caught = trace is not None and trace.tb_frame.f_globals is self.user_ns
        self._is_asked = kind is None or is_of_display or is_caught
        if not self._is_asked and not self._is_inside(type(value)):
            self._shown = value
        if isinstance(value, BaseExceptionGroup):
            # IPython would print these past us.
            kind, value, trace = self._get_exc_info(exc_tuple or sys.exc_info())
            lines = traceback.format_exception(kind, value, trace)
            self._showtraceback(kind, value, [line.rstrip("\n") for line in lines])
            return
        super().showtraceback(exc_tuple, filename, tb_offset, **options)

    def show_usage_error(self, exc):
        self._showtraceback(type(exc), exc, [f"UsageError: {exc}"])

    def _showtraceback(self, etype, evalue, stb):
        if self._is_asked or self._is_inside(etype):
            # `%%capture` takes what a cell prints, and not that it has failed.
            stream = sys.stderr if self._is_asked else sys.__stderr__
            print(self.InteractiveTB.stb2text(stb), file=stream)
            return
        self._note_error(etype, evalue, list(stb))

    # --- what needs a terminal or a parent elsewhere ------------------------------------------

    def set_next_input(self, text, replace=False):
        """`%recall`, `%load`: there is no next input to be filled in, so it is shown."""
        print(text)

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

    def enable_matplotlib(self, gui=None):
        found = super().enable_matplotlib(backends.gui_in_place_of(gui))
        # IPython's runner for `%run` draws once more at the end, which makes a figure where there is none.
        self.magics_manager.registry["ExecutionMagics"].default_runner = self.safe_execfile
        return found


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
    shell.register_magics(OwnMagics)
    shell.enable_matplotlib("inline")
    backends.keep_inline()
    formats.install(shell)
    shell.plain_printers = PlainPrinters(shell.display_formatter)
    return shell

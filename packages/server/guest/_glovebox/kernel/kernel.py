"""The kernel: the process that holds a session's variables and runs its cells.

It reads execute requests from its connection, runs each in the shell, and sends what came of it. It
shares its process with hostile code, so nothing here protects anyone else: that is the confinement's work.
What it does is keep honest code well served and the session recognisably dead when it is not.
"""

import os
import pathlib
import selectors
import signal
import socket
import sys
import time

from _glovebox.kernel import comms, completion, libraries, questions, reseed, wished, workspace
from _glovebox.kernel.outcome import Outcome
from _glovebox.kernel.output import Output
from _glovebox.kernel.shell import Shell, make_shell
from _glovebox.kernel.text_stream import TextStream, flush_replacements
from _glovebox.kernel.user_input import UserInput
from _glovebox.wire import frames

_HOME = "/tmp/home"
_WORKSPACE = "/workspace"
# In JSON a character takes up to twelve bytes, and three such lists must fit a frame.
_REPLY_LIST_CHARACTERS_MAX = 150_000
_FONT_CACHE = "/opt/glovebox/matplotlib"
_ENVIRONMENT = {
    "HOME": _HOME,
    "USER": "user",
    "LOGNAME": "user",
    "SHELL": "/bin/bash",
    "PATH": "/tmp/home/.local/bin:/usr/local/bin:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "TERM": "dumb",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "PIP_BREAK_SYSTEM_PACKAGES": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    # There is no network, which one attempt tells as well as six.
    "PIP_RETRIES": "0",
}
_WHEELS = "/opt/wheels"
_PIP_WITH_WHEELS = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": _WHEELS, "PIP_NO_WARN_SCRIPT_LOCATION": "1"}
# Run once in the zygote: whatever these paths import or build is then shared by every session.
_WARM_UP = (
    "0",
    "1 / 0",
    "%pwd",
    "import pandas\npandas.DataFrame({'a': [1.5], 'b': ['x']})",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2]), plt.title('x'), plt.xlabel('y'), plt.legend(['a'])",
    # plotly imports a module for each kind of trace, and their validators, where it first meets one.
    "import plotly.express as px\nfrom plotly.subplots import make_subplots\n"
    "px.bar(x=[1], y=[2], title='x'), px.scatter(x=[1], y=[2], color=['a']), px.histogram(x=[1])\n"
    "px.line(x=[1], y=[2]), px.pie(values=[1]), px.imshow([[1]]), px.box(y=[1])\n"
    "make_subplots(rows=2).update_layout(template='plotly_white')",
)


class Kernel:
    """What the zygote prepares and every fork continues."""

    def __init__(self, shell: Shell):
        self._shell = shell
        self._output: Output
        self._input: UserInput
        self._running = False
        self._interrupted_at = 0.0  # As CLOCK_MONOTONIC has it, which the gateway reads as well.
        self._files = workspace.Observer(_WORKSPACE)
        self._comms = comms.Comms(shell)

    # --- after the fork ---------------------------------------------------------------------

    def run(self, given: dict[str, int]) -> int:
        """Take over the descriptors named in zygote_channel.DESCRIPTORS and serve. Returns an exit code."""
        connection = socket.socket(fileno=given["connection"])
        pipes = {"stdout": given["stdout_read"], "stderr": given["stderr_read"]}
        self._output = Output(connection, given["lock"], pipes)
        self._connect_streams(given)
        reader = frames.FrameReader(connection)
        self._input = UserInput(self._output, reader, given["connection"])
        self._settle()
        self._output.send("kernel_ready", {"python": sys.version.split()[0]})
        while True:
            try:
                request = reader.read()
            except KeyboardInterrupt:
                continue
            except (frames.ChannelClosed, OSError):
                return 0
            kind = request.get("msg_type")
            if kind == "execute_request":
                self._execute(request["content"])
            elif kind == "standard_input":
                self._input.give(request["content"]["text"])
            elif kind in questions.KINDS:
                questions.answer(self._shell, kind, request["content"], self._output.send_aside)

    def _connect_streams(self, given: dict[str, int]) -> None:
        null = os.open("/dev/null", os.O_RDONLY)
        if null != 0:  # Descriptor 0 is closed at this point, so it is usually the one we get.
            os.dup2(null, 0)
            os.close(null)
        os.set_inheritable(0, True)  # Of what is open here, programs get the three standard ones alone.
        self._standard = {1: given["stdout"], 2: given["stderr"]}
        self._inodes = {}
        for descriptor, pipe in self._standard.items():
            os.dup2(pipe, descriptor)
            self._inodes[descriptor] = os.fstat(pipe).st_ino
        sys.stdout = sys.__stdout__ = TextStream(self._output, "stdout", given["stdout"])
        sys.stderr = sys.__stderr__ = TextStream(self._output, "stderr", given["stderr"])

    def _settle(self) -> None:
        """Make the copy of the zygote a process of its own."""
        os.environ.clear()
        os.environ.update(_ENVIRONMENT)
        os.makedirs(f"{_HOME}/.config/matplotlib", exist_ok=True)
        if os.path.isdir(_FONT_CACHE):
            for name in os.listdir(_FONT_CACHE):
                os.symlink(f"{_FONT_CACHE}/{name}", f"{_HOME}/.config/matplotlib/{name}")
        # Where the user is, as IPython has it: before the libraries and behind Python's own.
        self._insert_before_libraries("")
        if os.path.ismount(_WHEELS):
            os.environ.update(_PIP_WITH_WHEELS)
            self._expect_packages()
        os.chdir(_WORKSPACE)
        sys.path.insert(0, _WORKSPACE)
        self._shell.history_manager.dir_hist[:] = [pathlib.Path(_WORKSPACE)]
        reseed.reseed()
        self._input.install()
        self._shell.send = self._output.send
        self._shell.hold = self._output.hold
        os.register_at_fork(after_in_child=self._output.become_child)
        self._pid = os.getpid()
        signal.signal(signal.SIGINT, self._on_interrupt)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)

    def _expect_packages(self) -> None:
        """The user's own packages, before those of the system: the directory is there from the start,
        as an import system that has once missed it would go on missing it."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        place = f"{_HOME}/.local/lib/{version}/site-packages"
        os.makedirs(place, exist_ok=True)
        self._insert_before_libraries(place)

    @staticmethod
    def _insert_before_libraries(place: str) -> None:
        systems = (index for index, path in enumerate(sys.path) if path.endswith("dist-packages"))
        sys.path.insert(next(systems, len(sys.path)), place)

    def _on_interrupt(self, *_) -> None:
        """Only user code is interrupted, and never while the output lock is held."""
        self._interrupted_at = time.monotonic()
        if not self._running:
            return
        if self._output.busy:
            self._output.interrupt_pending = True
            return
        raise KeyboardInterrupt

    # --- one cell ---------------------------------------------------------------------------

    def _execute(self, content: dict) -> None:
        self._repair_streams()
        self._output.begin(content["output_bytes_max"])
        self._input.begin(content.get("allow_input", False))
        if content.get("look_first", False):
            self._files.changes()  # What was uploaded since the last cell is no cell's doing.
        if argv := content.get("argv"):
            sys.argv = argv
            if argv[0] not in ("", "-"):
                self._shell.user_ns["__file__"] = os.path.join(_WORKSPACE, argv[0])
        os.environ.update(content.get("env") or {})
        self._comms.begin(content.get("parent"))
        count = self._shell.execution_count
        started = time.perf_counter()
        self._shell.outcome = Outcome()  # What an interrupt before the code finds is not the last cell's.
        self._running = True
        try:
            if self._interrupted_at > content["sent_at"]:
                outcome = _interrupted_outside("it came before the code began")
            else:
                outcome = self._run(content)
            if not type(sys.stdout) is type(sys.stderr) is TextStream:
                flush_replacements()
        except KeyboardInterrupt:  # It arrived between here and user code.
            self._running = False
            outcome = self._shell.outcome
            if outcome.error is None:
                outcome = _interrupted_outside("it came just before the code began, or after its end")
        finally:
            self._running = False
            self._input.end()
            self._output.interrupt_pending = False
        if os.getpid() != self._pid:
            # User code forked, and this is the child at the end of the cell: only the parent is
            # the kernel.
            os._exit(outcome.exit_code or (1 if outcome.error else 0))
        elapsed = time.perf_counter() - started
        created, modified = self._files.changes()
        status = "ok"
        if outcome.interrupted:
            status = "interrupted"
        elif outcome.error or outcome.exit_code:
            status = "error"
        reply = {"status": status, "execution_count": count, "execution_time": elapsed}
        # What is absent is null or empty.
        if outcome.user_expressions:
            reply["user_expressions"] = outcome.user_expressions
        if outcome.exit_code is not None:
            reply["exit_code"] = outcome.exit_code
        if outcome.error:
            reply["error"] = outcome.error | {"traceback": bounded(outcome.error["traceback"])}
        if outcome.error and outcome.error["ename"] == "FileNotFoundError":
            reply["nearby"] = workspace.names_in(_WORKSPACE)
        if created or modified:
            reply["files_created"] = bounded(created)
            reply["files_modified"] = bounded(modified)
        self._output.send("execute_reply", reply)

    def _run(self, content: dict) -> Outcome:
        code = content["code"]
        if content.get("quiet"):
            return self._shell.run_quietly(code)
        if message := content.get("comm"):
            return self._shell.run_calling(lambda: self._comms.take(message))
        if wishes := content.get("wishes"):
            return wished.run(self._shell, code, **wishes)
        return self._shell.run(code)

    def _repair_streams(self) -> None:
        """User code may have closed or redirected descriptors 1 and 2; the next cell gets them back."""
        for descriptor, pipe in self._standard.items():
            try:
                same = os.fstat(descriptor).st_ino == self._inodes[descriptor]
            except OSError:
                same = False
            if not same:
                os.dup2(pipe, descriptor)


def _interrupted_outside(when: str) -> Outcome:
    """An interrupt can be here before the request is read, or while no line of user code runs."""
    line = f"KeyboardInterrupt: {when}"
    error = {"ename": "KeyboardInterrupt", "evalue": "", "traceback": [line]}
    return Outcome(error=error, interrupted=True)


def bounded(texts: list[str]) -> list[str]:
    """The first of `texts` that an execute_reply has room for."""
    kept = []
    room = _REPLY_LIST_CHARACTERS_MAX
    for text in texts[:1000]:
        room -= len(text)
        if room < 0:
            break
        kept.append(text)
    return kept


def prepare() -> Kernel:
    """In the zygote: build what every kernel needs. User code has not been seen yet."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # epoll is not on the list of system calls. Python finds that out where it is started anew, but
    # here `selectors` has been imported before the filter.
    selectors.DefaultSelector = selectors.PollSelector
    libraries.settle()
    shell = make_shell()
    for cell in _WARM_UP:
        shell.run(cell)
    shell.reset(new_session=True)
    shell.home_dir = _HOME
    reseed.find_generators()
    completion.remember_root_modules()
    return Kernel(shell)

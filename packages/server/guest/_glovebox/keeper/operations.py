"""What the gateway can ask of the keeper, by its name on the wire.

Nothing but what stands in the two tables is done. Making and destroying a sandbox is given by the
keeper; everything about sandboxes that there are is here. Every check of the gateway's is made again,
and what goes wrong costs one sandbox or nothing, and is told.
"""

import re
import sys
import time
from signal import SIGINT, SIGKILL
from typing import Callable

from _glovebox.confine.plan import PlanRefused, checked
from _glovebox.keeper import inspection
from _glovebox.keeper.sandbox import Common, Sandbox, send_signal
from _glovebox.keeper.sandbox_maker import SandboxMaker

_SANDBOX_ID = re.compile(r"[a-z0-9]{8,32}")

# Of one sandbox: its id, what is known of it, and the whole of what was asked.
Operation = Callable[[str, Sandbox | None, dict], None]


class Operations:
    """`destroy_all` ends every sandbox."""

    def __init__(
        self,
        common: Common,
        maker: SandboxMaker,
        spawn: Operation,
        destroy: Operation,
        destroy_all: Callable[[], None],
    ):
        self._common = common
        self._maker = maker
        self._destroy_all = destroy_all
        # Children that mount folders, by their pids, with the sandbox each works for.
        self._mounting: dict[int, str] = {}
        self._of_all: dict[str, Callable[[], None]] = {
            "panic": self._panic,
            "census": self._census,
        }
        self._of_one: dict[str, Operation] = {
            "spawn": spawn,
            "destroy": destroy,
            "interrupt": self._interrupt,
            "limit": self._limit,
            "mount": self._mount,
            "porter": self._porter,
            "inspect": self._inspect,
        }

    def perform(self, operation: dict) -> None:
        """Do what is asked, or tell why not."""
        name = str(operation.get("op"))
        if name in self._of_all:
            self._of_all[name]()
            return
        identity = operation.get("sandbox")
        if not isinstance(identity, str) or not _SANDBOX_ID.fullmatch(identity):
            self._common.tell({"event": "refused", "message": "not a sandbox id"})
            return
        if name not in self._of_one:
            self._common.tell({"event": "refused", "message": "unknown operation"})
            return
        try:
            self._of_one[name](identity, self._common.sandboxes.get(identity), operation)
        except (OSError, PlanRefused) as failure:
            self._common.fail(identity, str(failure))

    def reaped(self, pid: int, status: int) -> None:
        """A child of the keeper's has ended, which may be one that mounted folders."""
        if pid in self._mounting:
            error = "the folder cannot be mounted, see the log" if status else None
            self._answer("mounted", self._mounting.pop(pid), error)

    def _answer(self, event: str, identity: str, error: str | None) -> None:
        self._common.tell({"event": event, "sandbox": identity, "error": error})

    # --- of one sandbox -----------------------------------------------------------------------

    @staticmethod
    def _interrupt(_identity: str, sandbox: Sandbox | None, _operation: dict) -> None:
        if sandbox:
            send_signal(sandbox.kernel_handle, SIGINT)

    def _limit(self, identity: str, sandbox: Sandbox | None, operation: dict) -> None:
        if sandbox is None or sandbox.doomed:
            return
        error = None
        try:
            memory_bytes = checked("memory_bytes", operation.get("memory_bytes"))
            cpu_cores = checked("cpu_cores", operation.get("cpu_cores"))
            self._common.cgroups.set_memory(sandbox.name, int(memory_bytes))
            self._common.cgroups.set_cpu(sandbox.name, cpu_cores)
        except (OSError, PlanRefused) as failure:
            # Memory in use cannot be limited below itself; the sandbox goes on as it was.
            error = _told(failure)
        self._answer("limited", identity, error)

    def _mount(self, identity: str, sandbox: Sandbox | None, operation: dict) -> None:
        """Folders for a session that asks for them. Told when the child has ended."""
        names = operation.get("mounts")
        problem = self._common.folders.unknown(names)
        if problem is None and (sandbox is None or sandbox.doomed or sandbox.warden_handle < 0):
            problem = "the sandbox has ended"
        if identity in self._mounting.values():
            problem = "a mount is on its way"
        if problem is None:
            try:
                self._mounting[self._maker.fork_to_mount(sandbox, names)] = identity
                return
            except OSError as failure:
                problem = _told(failure)
        self._answer("mounted", identity, problem)

    def _porter(self, identity: str, sandbox: Sandbox | None, operation: dict) -> None:
        """One more process, for which the sandbox gets one more place. One that was there before ends
        with its connection, and here if it does not."""
        error = None
        try:
            secret = operation.get("secret")
            processes = checked("processes", operation.get("processes"))
            if not isinstance(secret, str) or sandbox is None or sandbox.doomed:
                raise PlanRefused("the sandbox has ended")
            self._common.cgroups.set_processes(sandbox.name, int(processes) + 2)
            send_signal(sandbox.porter_handle, SIGKILL)
            self._maker.fork_porter(sandbox, secret)
        except (OSError, PlanRefused) as failure:
            error = _told(failure)  # The sandbox goes on without.
        self._answer("porter", identity, error)

    def _inspect(self, identity: str, sandbox: Sandbox | None, _operation: dict) -> None:
        """Tell what the kernel says about a sandbox; the gateway judges it."""
        facts = error = None
        try:
            if sandbox and not sandbox.doomed:
                facts = {
                    **inspection.sandbox(
                        sandbox.kernel_handle, sandbox.warden_handle, sandbox.porter_handle
                    ),
                    "limits": self._common.cgroups.limits(sandbox.name),
                    "host_uids": self._maker.host_uids(sandbox),
                }
        except OSError as failure:
            error = _told(failure)
        self._common.tell({"event": "inspected", "sandbox": identity, "facts": facts, "error": error})

    # --- of all sandboxes ---------------------------------------------------------------------

    def _panic(self) -> None:
        """Everything stops where it stands, and only then is killed: nothing that runs can answer
        the end of its neighbours. Those that are half made or half dead are killed alike."""
        started = time.monotonic()
        error = None
        try:
            self._common.cgroups.freeze()
        except OSError as failure:
            error = _told(failure)  # Killing needs no freezing; what failed is told.
        self._common.tell(
            {
                "event": "frozen",
                "sandboxes": len(self._common.sandboxes),
                "processes": self._count_processes(),
                "seconds": time.monotonic() - started,
                "error": error,
            }
        )
        self._destroy_all()
        try:
            self._common.cgroups.thaw()
        except OSError as failure:
            sys.stderr.write(f"the sandboxes cannot be thawed: {failure}\n")

    def _census(self) -> None:
        """What there is by the groups themselves, not by what this process remembers."""
        groups = len(self._common.cgroups.names())
        self._common.tell({"event": "census", "sandboxes": groups, "processes": self._count_processes()})

    def _count_processes(self) -> int:
        return sum(len(self._common.cgroups.processes(name)) for name in self._common.cgroups.names())


def _told(failure: Exception) -> str:
    return str(failure)[:200]

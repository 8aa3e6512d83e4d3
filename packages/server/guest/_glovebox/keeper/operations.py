"""What the gateway can ask of the keeper, by its name on the wire.

Nothing but what stands in the one table is done, and only with the fields that stand there, each within its
bounds: what an operation is given has been checked. Making and destroying a sandbox is given by the
keeper; everything about sandboxes that there are is here. What goes wrong costs one sandbox or nothing, and
is told; the keeper goes on.
"""

import re
import time
from dataclasses import dataclass, field
from signal import SIGINT, SIGKILL
from typing import Any, Callable, Mapping

from _glovebox.confine.plan import Plan, PlanRefused, checked
from _glovebox.keeper import inspection
from _glovebox.keeper.complaints import Complaints
from _glovebox.keeper.sandbox import Common, Sandbox, send_signal
from _glovebox.keeper.sandbox_maker import SandboxMaker

_SANDBOX_ID = re.compile(r"[a-z0-9]{8,32}")
_SECRET = re.compile(r"[0-9a-f]{32}")

# Of one sandbox: its id, what is known of it, and the fields as their checks gave them back.
Perform = Callable[[str, Sandbox | None, dict[str, Any]], None]
# Gives back the field's value, or raises PlanRefused.
Check = Callable[[object], Any]


@dataclass(frozen=True)
class _Operation:
    """`answer` is the event that tells what went wrong; where there is none, an operation that cannot be
    performed is refused, or ends the sandbox that it was to make."""

    perform: Perform
    fields: Mapping[str, Check] = field(default_factory=dict)
    answer: str | None = None
    makes: bool = False


class Operations:
    """`destroy_all` ends every sandbox."""

    def __init__(
        self,
        common: Common,
        maker: SandboxMaker,
        spawn: Perform,
        destroy: Perform,
        destroy_all: Callable[[], None],
    ):
        self._common = common
        self._maker = maker
        self._destroy_all = destroy_all
        self._complaints = Complaints()
        # Children that mount folders, by their pids, with the sandbox each works for.
        self._mounting: dict[int, str] = {}
        self._of_all: dict[str, Callable[[], None]] = {
            "panic": self._panic,
            "census": self._census,
        }
        secret, mounts = {"secret": _secret}, {"mounts": self._mounts}
        limits = {"memory_bytes": _number("memory_bytes"), "cpu_cores": _number("cpu_cores")}
        places = {"processes": _number("processes")}
        self._of_one: dict[str, _Operation] = {
            "spawn": _Operation(spawn, {**secret, "plan": self._plan}, makes=True),
            "destroy": _Operation(destroy),
            "interrupt": _Operation(self._interrupt),
            "limit": _Operation(self._limit, limits, "limited"),
            "mount": _Operation(self._mount, mounts, "mounted"),
            "porter": _Operation(self._porter, {**secret, **places}, "porter"),
            "inspect": _Operation(self._inspect, answer="inspected"),
        }

    def perform(self, operation: dict) -> None:
        """Do what is asked, or tell why not. Nothing that is asked for ends the keeper."""
        try:
            self._perform(operation)
        except Exception as failure:
            name = operation.get("op")
            self._complaints.say(f"{str(name)[:20]} failed: {failure!r}")

    def _perform(self, operation: dict) -> None:
        name, sandbox_id = operation.get("op"), operation.get("sandbox")
        if name in ("panic", "census") and len(operation) == 1:
            self._of_all[str(name)]()
            return
        known = self._of_one.get(name) if isinstance(name, str) else None
        if known is None:
            self._refuse("unknown operation")
            return
        if not isinstance(sandbox_id, str) or not _SANDBOX_ID.fullmatch(sandbox_id):
            self._refuse("not a sandbox id")
            return
        try:
            fields = _checked_fields(known, operation)
            known.perform(sandbox_id, self._common.sandboxes.get(sandbox_id), fields)
        except Exception as failure:
            if not isinstance(failure, (OSError, PlanRefused)):
                self._complaints.say(f"{name} failed: {failure!r}")
            self._tell_failed(known, sandbox_id, _told(failure))

    def _tell_failed(self, known: _Operation, sandbox_id: str, reason: str) -> None:
        if known.answer == "inspected":
            self._tell_inspected(sandbox_id, None, reason)
        elif known.answer:
            self._answer(known.answer, sandbox_id, reason)
        elif known.makes:
            self._common.fail(sandbox_id, reason)
        else:
            self._refuse(reason)

    def _refuse(self, message: str) -> None:
        self._common.tell({"event": "refused", "message": message})

    def _plan(self, value: object) -> Plan:
        return Plan.parse(value, self._common.folders)

    def _mounts(self, value: object) -> list[str]:
        problem = self._common.folders.unknown(value)
        if problem:
            raise PlanRefused(problem)
        assert isinstance(value, list)
        return value

    def reaped(self, pid: int, status: int) -> None:
        """A child of the keeper's has ended, which may be one that mounted folders."""
        if pid in self._mounting:
            error = "the folder cannot be mounted, see the log" if status else None
            self._answer("mounted", self._mounting.pop(pid), error)

    def _answer(self, event: str, sandbox_id: str, error: str | None) -> None:
        self._common.tell({"event": event, "sandbox": sandbox_id, "error": error})

    # --- of one sandbox -----------------------------------------------------------------------

    @staticmethod
    def _interrupt(_sandbox_id: str, sandbox: Sandbox | None, _fields: dict) -> None:
        if sandbox:
            send_signal(sandbox.kernel_handle, SIGINT)

    def _limit(self, sandbox_id: str, sandbox: Sandbox | None, fields: dict) -> None:
        """Memory in use cannot be limited below itself; the sandbox goes on as it was."""
        if sandbox is None or sandbox.doomed:
            return
        self._common.cgroups.set_memory(sandbox.name, int(fields["memory_bytes"]))
        self._common.cgroups.set_cpu(sandbox.name, fields["cpu_cores"])
        self._answer("limited", sandbox_id, None)

    def _mount(self, sandbox_id: str, sandbox: Sandbox | None, fields: dict) -> None:
        """Folders for a session that asks for them. Told when the child has ended."""
        if sandbox is None or sandbox.doomed or sandbox.warden_handle < 0:
            raise PlanRefused("the sandbox has ended")
        if sandbox_id in self._mounting.values():
            raise PlanRefused("a mount is on its way")
        self._mounting[self._maker.fork_to_mount(sandbox, fields["mounts"])] = sandbox_id

    def _porter(self, sandbox_id: str, sandbox: Sandbox | None, fields: dict) -> None:
        """One more process, for which the sandbox gets one more place. One that was there before ends
        with its connection, and here if it does not. Where none can be made the sandbox goes on without."""
        if sandbox is None or sandbox.doomed:
            raise PlanRefused("the sandbox has ended")
        self._common.cgroups.set_processes(sandbox.name, int(fields["processes"]) + 2)
        send_signal(sandbox.porter_handle, SIGKILL)
        self._maker.fork_porter(sandbox, fields["secret"])
        self._answer("porter", sandbox_id, None)

    def _inspect(self, sandbox_id: str, sandbox: Sandbox | None, _fields: dict) -> None:
        """Tell what the kernel says about a sandbox; the gateway judges it."""
        facts = None
        if sandbox and not sandbox.doomed:
            facts = {
                **inspection.sandbox(
                    sandbox.kernel_handle, sandbox.warden_handle, sandbox.porter_handle
                ),
                "limits": self._common.cgroups.limits(sandbox.name),
                "host_uids": self._maker.host_uids(sandbox),
            }
        self._tell_inspected(sandbox_id, facts, None)

    def _tell_inspected(self, sandbox_id: str, facts: dict | None, error: str | None) -> None:
        self._common.tell({"event": "inspected", "sandbox": sandbox_id, "facts": facts, "error": error})

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
            self._complaints.say(f"the sandboxes cannot be thawed: {failure}")

    def _census(self) -> None:
        """What there is by the groups themselves, not by what this process remembers."""
        groups = len(self._common.cgroups.names())
        self._common.tell({"event": "census", "sandboxes": groups, "processes": self._count_processes()})

    def _count_processes(self) -> int:
        return sum(len(self._common.cgroups.processes(name)) for name in self._common.cgroups.names())


def _checked_fields(known: _Operation, operation: dict) -> dict[str, Any]:
    """All of them and no others, as their checks give them back."""
    if set(operation) != {"op", "sandbox", *known.fields}:
        raise PlanRefused("the operation does not have exactly the known fields")
    return {name: check(operation[name]) for name, check in known.fields.items()}


def _number(name: str) -> Check:
    return lambda value: checked(name, value)


def _secret(value: object) -> str:
    if not isinstance(value, str) or not _SECRET.fullmatch(value):
        raise PlanRefused("not a secret")
    return value


def _told(failure: Exception) -> str:
    return str(failure)[:200] or type(failure).__name__

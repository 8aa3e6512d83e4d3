"""Which sandboxes there are, by their ids, and which slot each has.

A slot is a place in the instance's range of host ids. It is free again when its sandbox is forgotten, which is
after everything that had its ids is gone.
"""

import heapq
import resource
from typing import Collection, Iterator, Mapping

from _glovebox.confine.plan import Plan, PlanRefused
from _glovebox.keeper.sandbox import Sandbox
from _glovebox.wire.agreement import SLOTS


# What the keeper holds open at most: for one sandbox, and for everything else.
_DESCRIPTORS_EACH = 5
_DESCRIPTORS_ELSE = 128


def usable_slots() -> int:
    """How many sandboxes leave the keeper descriptors to work with. Raises its limit where it may."""
    wanted = SLOTS * _DESCRIPTORS_EACH + _DESCRIPTORS_ELSE
    limit, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
            limit = wanted
        except (OSError, ValueError):
            pass  # Without CAP_SYS_RESOURCE it stays as it is.
    return min(SLOTS, (limit - _DESCRIPTORS_ELSE) // _DESCRIPTORS_EACH)


class Sandboxes(Mapping[str, Sandbox]):
    """Read as a dictionary. It changes by `make`, `adopt` and `forget` alone. What is asked at every
    event of the keeper's is found without looking at all of them."""

    def __init__(self, slots: int = SLOTS) -> None:
        self._slots = slots
        self._free_slots = list(range(slots))  # A heap: the lowest comes first.
        self._by_id: dict[str, Sandbox] = {}
        self._by_warden: dict[int, Sandbox] = {}
        self._doomed: dict[str, Sandbox] = {}

    def __getitem__(self, sandbox_id: str) -> Sandbox:
        return self._by_id[sandbox_id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def make(self, sandbox_id: str, plan: Plan) -> Sandbox:
        """A new one in the lowest free slot, of which nothing exists yet. PlanRefused when there is
        none, or one of this id."""
        if sandbox_id in self._by_id:
            raise PlanRefused("a sandbox of this id exists already")
        if not self._free_slots:
            raise PlanRefused("every range of host ids, or every descriptor, is in use")
        slot = heapq.heappop(self._free_slots)
        sandbox = Sandbox(f"{slot:04d}-{sandbox_id}", slot, sandbox_id, plan=plan)
        self._by_id[sandbox_id] = sandbox
        return sandbox

    def adopt(self, name: str) -> Sandbox:
        """One that an earlier keeper made, by the name of its control group."""
        slot, _, sandbox_id = name.partition("-")
        sandbox = Sandbox(name, int(slot), sandbox_id)
        self._by_id[sandbox_id] = sandbox
        if sandbox.slot in self._free_slots:
            self._free_slots.remove(sandbox.slot)
            heapq.heapify(self._free_slots)
        return sandbox

    def forget(self, sandbox: Sandbox) -> None:
        """Nothing of it is left."""
        del self._by_id[sandbox.id]
        self._doomed.pop(sandbox.id, None)
        if sandbox.slot < self._slots:  # An earlier keeper may have had more descriptors.
            heapq.heappush(self._free_slots, sandbox.slot)

    def doom(self, sandbox: Sandbox) -> None:
        """It has been ended, and is there until it is forgotten."""
        sandbox.doomed = True
        self._doomed[sandbox.id] = sandbox

    @property
    def doomed(self) -> Collection[Sandbox]:
        """Those that have been ended and are not gone yet."""
        return self._doomed.values()

    def note_warden(self, sandbox: Sandbox) -> None:
        """Its PID 1 is a child of ours, as far as there is one."""
        if sandbox.warden_pid:
            self._by_warden[sandbox.warden_pid] = sandbox

    def reaped(self, pid: int) -> Sandbox | None:
        """Whose PID 1 this child of ours was."""
        sandbox = self._by_warden.pop(pid, None)
        if sandbox:
            sandbox.warden_pid = 0
        return sandbox

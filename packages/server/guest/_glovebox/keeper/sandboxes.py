"""Which sandboxes there are, by their ids, and which slot each has.

A slot is a place in the instance's range of host ids. It is free again when its sandbox is forgotten, which is
after everything that had its ids is gone.
"""

from typing import Iterator, Mapping

from _glovebox.confine.plan import Plan, PlanRefused
from _glovebox.keeper.sandbox import Sandbox
from _glovebox.wire.agreement import SLOTS


class Sandboxes(Mapping[str, Sandbox]):
    """Read as a dictionary. It changes by `make`, `adopt` and `forget` alone."""

    def __init__(self) -> None:
        self._by_id: dict[str, Sandbox] = {}

    def __getitem__(self, identity: str) -> Sandbox:
        return self._by_id[identity]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def make(self, identity: str, plan: Plan) -> Sandbox:
        """A new one in the lowest free slot, of which nothing exists yet. PlanRefused when there is
        none, or one of this id."""
        if identity in self._by_id:
            raise PlanRefused("a sandbox of this id exists already")
        used = {sandbox.slot for sandbox in self._by_id.values()}
        slot = next((slot for slot in range(SLOTS) if slot not in used), None)
        if slot is None:
            raise PlanRefused("every range of host ids is in use")
        sandbox = Sandbox(f"{slot:04d}-{identity}", slot, identity, plan=plan)
        self._by_id[identity] = sandbox
        return sandbox

    def adopt(self, name: str) -> Sandbox:
        """One that an earlier keeper made, by the name of its control group."""
        slot, _, identity = name.partition("-")
        sandbox = Sandbox(name, int(slot), identity)
        self._by_id[identity] = sandbox
        return sandbox

    def forget(self, sandbox: Sandbox) -> None:
        """Nothing of it is left."""
        del self._by_id[sandbox.identity]

    @property
    def doomed(self) -> list[Sandbox]:
        """Those that have been ended and are not gone yet."""
        return [one for one in self._by_id.values() if one.doomed]

    def with_warden(self, pid: int) -> Sandbox | None:
        """Whose PID 1 this child of ours is."""
        return next((one for one in self._by_id.values() if one.warden_pid == pid), None)

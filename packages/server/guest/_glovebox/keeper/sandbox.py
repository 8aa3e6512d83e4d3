"""What the keeper knows of one sandbox, and what its parts share about all of them."""

import selectors
import signal
import socket
from dataclasses import dataclass
from typing import Callable, Mapping

from _glovebox.confine.folders import Folders
from _glovebox.confine.plan import Plan
from _glovebox.keeper.cgroups.contract import Cgroups
from _glovebox.keeper.zygote_process import DEFAULT_TEMPLATE, ZygoteProcess

Tell = Callable[[dict], None]


@dataclass
class Sandbox:
    """After the keeper's own restart it knows only the name, `<slot>-<id>`, and what that leads to."""

    name: str
    slot: int
    id: str
    warden_pid: int = 0  # While it is our child and has not been reaped.
    warden_handle: int = -1
    kernel_handle: int = -1
    kernel_exit: int | None = None  # Its code once it has ended, negative for a signal.
    report: socket.socket | None = None
    zygote: ZygoteProcess | None = None  # The kernel's parent, which learns its exit code.
    built: int = -1  # Write end: the kernel waits for a byte.
    plan: Plan | None = None
    doomed: bool = False
    template: str = DEFAULT_TEMPLATE  # Of the zygote that forks its kernel.
    porter_handle: int = -1  # Of the last one that was made.

    @property
    def handles(self) -> list[int]:
        """All of its pidfds."""
        all_three = (self.warden_handle, self.kernel_handle, self.porter_handle)
        return [handle for handle in all_three if handle >= 0]


@dataclass(frozen=True)
class Common:
    """`tell` sends an event to the gateway. `fail` ends a sandbox, by its id, and tells the reason."""

    selector: selectors.BaseSelector
    cgroups: Cgroups
    folders: Folders
    tell: Tell
    fail: Callable[[str, str], None]
    sandboxes: Mapping[str, Sandbox]  # By their ids.


def send_signal(handle: int, number: signal.Signals) -> None:
    """Signal the process behind a pidfd. Does nothing if it has ended, or the pidfd is -1."""
    if handle < 0:
        return
    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        pass

"""The kernels of all sandboxes: forked by a zygote, and watched to their end.

A zygote is the parent of its kernels and the only one who learns an exit code. When it has died, or
when this keeper has taken sandboxes over from an earlier one, a pidfd tells that a kernel has ended, but
not how.
"""

import os
import selectors
from contextlib import ExitStack
from typing import Callable

from _glovebox.keeper.sandbox import Common, Sandbox
from _glovebox.keeper.sandbox_maker import SandboxMaker
from _glovebox.keeper.zygote_process import Wear, ZygoteProcess
from _glovebox.keeper.zygotes import Zygotes
from _glovebox.wire.agreement import USER_ID
from _glovebox.wire.zygote_channel import DESCRIPTORS

_UNKNOWN_EXIT = -9


class Kernels:
    """Makes them in the order in which they are asked for."""

    def __init__(self, common: Common, maker: SandboxMaker, wear: Wear):
        self._common = common
        self._maker = maker
        self.zygotes = Zygotes(wear, common.selector, self._on_zygote)

    def fork(self, sandbox: Sandbox, for_zygote: dict[str, int]) -> None:
        """Hand the kernel's descriptors over. Ours are closed, whatever comes of it."""
        with ExitStack() as closing:
            for descriptor in for_zygote.values():
                closing.callback(os.close, descriptor)
            forking = self.zygotes.current(sandbox.template)
            if forking is None:
                self._common.fail(sandbox.id, "the zygote is being restarted")
                return
            self._fork_by(forking, sandbox, for_zygote, closing)

    def _fork_by(
        self,
        forking: ZygoteProcess,
        sandbox: Sandbox,
        for_zygote: dict[str, int],
        closing: ExitStack,
    ) -> None:
        assert sandbox.plan
        request = {
            "sandbox": sandbox.id,
            "plan": vars(sandbox.plan),
            "host_uid": self._maker.host_uid(sandbox, USER_ID),
            "file_bytes": self._maker.file_bytes(sandbox.plan),
        }
        given = {"warden": sandbox.warden_handle, **for_zygote}
        descriptors = [given[name] for name in DESCRIPTORS]
        for path in self._common.cgroups.entrances(sandbox.name, limited_cpu=True):
            descriptors.append(os.open(path, os.O_WRONLY))
            closing.callback(os.close, descriptors[-1])
        try:
            forking.fork_kernel(request, descriptors)
            sandbox.zygote = forking
        except BlockingIOError:
            self._common.fail(sandbox.id, "the zygote is behind")
        except OSError:
            self._lose_zygote(forking)

    def end_stuck_zygotes(self) -> None:
        """One that does not answer is replaced. Its kernels go on without it."""
        for zygote in self.zygotes.ready:
            if zygote.is_stuck:
                self._lose_zygote(zygote)

    def watch(self, sandbox: Sandbox) -> None:
        """Learn the end of a kernel that has no parent who could tell it."""
        watch_once(
            self._common.selector,
            sandbox.kernel_handle,
            lambda: self.tell_exit(sandbox, _UNKNOWN_EXIT),
        )

    def has_ended(self, sandbox: Sandbox) -> None:
        """It was not there any more when this keeper began."""
        sandbox.kernel_exit = _UNKNOWN_EXIT

    def tell_exit(self, sandbox: Sandbox, code: int) -> None:
        """`code` is negative for a signal. Whether memory ran out is the kernel's own count."""
        sandbox.kernel_exit = code
        self._common.tell(
            {
                "event": "kernel_exited",
                "sandbox": sandbox.id,
                "code": code,
                "oom_kills": self._common.cgroups.oom_kills(sandbox.name),
            }
        )

    def reaped(self, pid: int) -> None:
        """A child of the keeper's has ended, which may be a zygote."""
        ended = self.zygotes.with_pid(pid)
        if ended:
            self._lose_zygote(ended)

    def _on_zygote(self, sender: ZygoteProcess) -> None:
        try:
            received = sender.receive()
        except BlockingIOError:
            return
        if received is None:
            self._lose_zygote(sender)
            return
        message, descriptors = received
        if "ready" in message:
            sender.ready = {"event": "zygote_ready", **message}
            self.zygotes.take_over(sender)
            self._common.tell(sender.ready)
            return
        sandbox_id = message.get("forked") or message.get("failed") or message.get("exited")
        sandbox = self._common.sandboxes.get(sandbox_id)
        if sandbox is None or sandbox.doomed:
            _close_all(descriptors)
        elif "forked" in message and not descriptors:
            # There was no room for it, and a kernel that cannot be watched is not let live.
            self._common.fail(sandbox_id, "the keeper has too many descriptors")
        elif "forked" in message:
            sandbox.kernel_handle = descriptors[0]
            self._tell_spawned(sandbox, message["pid"])
        elif "failed" in message:
            self._common.fail(sandbox_id, message["message"])
        else:
            self.tell_exit(sandbox, message["code"])

    def _tell_spawned(self, sandbox: Sandbox, kernel_pid: int) -> None:
        self._common.tell(
            {
                "event": "spawned",
                "sandbox": sandbox.id,
                "slot": sandbox.slot,
                "accounting": self._common.cgroups.accounting_files(sandbox.name),
                "pids": {"kernel": kernel_pid, "warden": sandbox.warden_pid},
                "host_uids": self._maker.host_uids(sandbox),
            }
        )

    def _lose_zygote(self, lost: ZygoteProcess) -> None:
        """Live sandboxes go on; those that wait for their kernel fail and are asked for again."""
        if lost not in self.zygotes:
            return
        was_current = self.zygotes.remove(lost)
        self._watch_orphans()
        if not was_current:
            return
        self._common.tell({"event": "zygote_lost"})
        for sandbox in list(self._common.sandboxes.values()):
            waits = sandbox.plan and sandbox.kernel_handle < 0 and not sandbox.doomed
            if waits and sandbox.template == lost.template:
                self._common.fail(sandbox.id, "the zygote died before the kernel was forked")

    def _watch_orphans(self) -> None:
        """Kernels whose zygote has died have no parent that could tell their end."""
        for sandbox in self._common.sandboxes.values():
            if sandbox.zygote and sandbox.zygote not in self.zygotes and sandbox.kernel_handle >= 0:
                sandbox.zygote = None
                if not sandbox.doomed:
                    self.watch(sandbox)


def watch_once(selector: selectors.BaseSelector, handle: int, then: Callable[[], None]) -> None:
    """Call `then` when the process behind a pidfd has ended."""

    def once() -> None:
        selector.unregister(handle)
        then()

    selector.register(handle, selectors.EVENT_READ, once)


def _close_all(descriptors: list[int]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)

"""Who forks kernels, and what stays open when it cannot."""

import os
import types
import unittest
from unittest import mock

from _glovebox.confine.plan import Plan
from _glovebox.keeper import kernels
from _glovebox.keeper.sandbox import Sandbox
from tests.support import open_descriptors

PLAN = Plan(1 << 30, 1.0, 64, 256, 1 << 30, 4096, 1 << 30, 4096, 1 << 30, 4096, ["folder"])


class ForkRequestTest(unittest.TestCase):
    def test_the_kernels_descriptors_are_closed_also_when_a_group_cannot_be_entered(self):
        class Groups:
            def entrances(self, name: str, limited_cpu: bool) -> list[str]:
                return ["/dev/null", "/nowhere/cgroup.procs"]

        common = types.SimpleNamespace(cgroups=Groups(), selector=None)
        maker = types.SimpleNamespace(host_uid=lambda *_: 0, file_bytes=lambda *_: 1 << 30)
        asked = kernels.Kernels(common, maker, None)
        asked.zygotes = types.SimpleNamespace(current=lambda _template: object())
        sandbox = Sandbox("0000-sandbox0", 0, "sandbox0", plan=PLAN)
        before = open_descriptors()
        names = [name for name in kernels.DESCRIPTORS if name != "warden"]
        for_zygote = {name: os.open("/dev/null", os.O_RDONLY) for name in names}
        with self.assertRaises(FileNotFoundError):
            asked.fork(sandbox, for_zygote)
        self.assertEqual(open_descriptors(), before)


class ForkedTest(unittest.TestCase):
    """What a zygote says about its kernels."""

    def setUp(self):
        self.told: list[dict] = []
        self.failed: list[tuple[str, str]] = []
        self.sandbox = Sandbox("0000-sandbox0", 0, "sandbox0")
        common = types.SimpleNamespace(
            cgroups=types.SimpleNamespace(accounting_files=lambda _name: {}),
            selector=None,
            sandboxes={"sandbox0": self.sandbox},
            tell=self.told.append,
            fail=lambda *failure: self.failed.append(failure),
        )
        maker = types.SimpleNamespace(host_uids=lambda _sandbox: {})
        self.kernels = kernels.Kernels(common, maker, None)

    def _say(self, message: dict, *descriptors: int) -> None:
        zygote = types.SimpleNamespace(receive=lambda: (message, list(descriptors)))
        self.kernels._on_zygote(zygote)

    def test_a_kernel_comes_with_what_it_is_watched_by(self):
        self._say({"forked": "sandbox0", "pid": 7}, 1234)
        self.assertEqual(self.sandbox.kernel_handle, 1234)
        self.assertEqual([one["event"] for one in self.told], ["spawned"])
        self.assertEqual(self.failed, [])

    def test_one_that_comes_without_is_ended(self):
        """Linux leaves out a descriptor for which its receiver has no room."""
        self._say({"forked": "sandbox0", "pid": 7})
        self.assertEqual([sandbox_id for sandbox_id, _ in self.failed], ["sandbox0"])
        self.assertEqual((self.told, self.sandbox.kernel_handle), ([], -1))


class StuckZygotesTest(unittest.TestCase):
    def test_those_that_do_not_answer_are_replaced_whatever_they_were_made_from(self):
        told: list[dict] = []
        removed: list[object] = []
        common = types.SimpleNamespace(selector=None, tell=told.append, sandboxes={})
        ours = kernels.Kernels(common, None, None)
        all_three = [
            types.SimpleNamespace(template=str(number), is_stuck=number != 1) for number in range(3)
        ]
        ours.zygotes = mock.MagicMock(ready=all_three)
        ours.zygotes.__contains__.return_value = True
        ours.zygotes.remove.side_effect = lambda lost: removed.append(lost) or True
        ours.end_stuck_zygotes()
        self.assertEqual(removed, [all_three[0], all_three[2]])
        self.assertEqual(told, [{"event": "zygote_lost"}] * 2)

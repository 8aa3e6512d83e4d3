"""What a zygote says about its kernels."""

import types
import unittest

from kernels import Kernels
from sandbox import Common, Sandbox
from zygote_process import Wear

_ID = "0123456789abcdef"


class KernelsTest(unittest.TestCase):
    def setUp(self):
        self.told: list[dict] = []
        self.failed: list[tuple[str, str]] = []
        cgroups = types.SimpleNamespace(accounting_files=lambda name: {})
        self.common = Common(
            None, cgroups, None, self.told.append, lambda *failure: self.failed.append(failure)
        )
        self.sandbox = Sandbox(f"0000-{_ID}", 0, _ID)
        self.common.sandboxes[_ID] = self.sandbox
        maker = types.SimpleNamespace(host_uids=lambda sandbox: {})
        self.kernels = Kernels(self.common, maker, Wear(1, 1.0))

    def _say(self, message: dict, *descriptors: int) -> None:
        zygote = types.SimpleNamespace(receive=lambda: (message, list(descriptors)))
        self.kernels._on_zygote(zygote)

    def test_a_kernel_comes_with_what_it_is_watched_by(self):
        self._say({"forked": _ID, "pid": 7}, 1234)
        self.assertEqual(self.sandbox.kernel_handle, 1234)
        self.assertEqual([one["event"] for one in self.told], ["spawned"])
        self.assertEqual(self.failed, [])

    def test_one_that_comes_without_is_ended(self):
        """The kernel leaves out a descriptor for which its receiver has no room."""
        self._say({"forked": _ID, "pid": 7})
        self.assertEqual([identity for identity, _ in self.failed], [_ID])
        self.assertEqual((self.told, self.sandbox.kernel_handle), ([], -1))


if __name__ == "__main__":
    unittest.main()

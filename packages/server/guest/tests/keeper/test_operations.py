"""What the keeper makes of operations that no gateway of ours would send."""

import json
import random
import unittest
from unittest import mock

from _glovebox.confine.folders import Folders
from _glovebox.keeper.operations import Operations
from _glovebox.keeper.sandbox import Common, Sandbox
from _glovebox.keeper.sandboxes import Sandboxes

SANDBOX_ID = "0123456789abcdef"
SECRET = "0123456789abcdef" * 2
PLAN = {
    "memory_bytes": 128 << 20, "cpu_cores": 0.5, "processes": 20, "open_files": 256,
    "workspace_bytes": 8 << 20, "workspace_inodes": 1024,
    "tmp_bytes": 8 << 20, "tmp_inodes": 1024, "home_bytes": 8 << 20, "home_inodes": 1024, "mounts": [],
}  # fmt: skip
VALID = [
    {"op": "spawn", "sandbox": SANDBOX_ID, "secret": SECRET, "plan": PLAN},
    {"op": "limit", "sandbox": SANDBOX_ID, "memory_bytes": 64 << 20, "cpu_cores": 0.5},
    {"op": "mount", "sandbox": SANDBOX_ID, "mounts": []},
    {"op": "porter", "sandbox": SANDBOX_ID, "secret": SECRET, "processes": 20},
    {"op": "interrupt", "sandbox": SANDBOX_ID},
    {"op": "destroy", "sandbox": SANDBOX_ID},
    {"op": "inspect", "sandbox": SANDBOX_ID},
    {"op": "panic"},
    {"op": "census"},
]
DEEP: list = []
for _ in range(500):
    DEEP = [DEEP]
ODD = [
    None, True, False, 0, -1, 10**400, 1e308, float("nan"), float("inf"), float("-inf"),
    "", "\ud800", "\0", "é" * 20_000, [], {}, [["a"]], [{"a": 1}], [1] * 10_000, DEEP,
    SECRET, SECRET.upper(), SECRET + "\n", SANDBOX_ID, "__init__", "spawn", "../../etc",
]  # fmt: skip


class OperationsTest(unittest.TestCase):
    def setUp(self):
        self.told: list[dict] = []
        self.failed: list[tuple[str, str]] = []
        folders = Folders("", 0)
        cgroups = mock.MagicMock()
        cgroups.names.return_value = []
        self.sandboxes = Sandboxes()
        self.common = Common(
            mock.Mock(),
            cgroups,
            folders,
            self.told.append,
            lambda *why: self.failed.append(why),
            self.sandboxes,
        )
        self.maker = mock.Mock()
        self.maker.fork_to_mount.return_value = 12345
        self.maker.host_uids.return_value = {}
        self.spawn = mock.Mock()
        self.destroy = mock.Mock()
        self.destroy_all = mock.Mock()
        self.operations = Operations(
            self.common, self.maker, self.spawn, self.destroy, self.destroy_all
        )
        self.stderr = self.enterContext(mock.patch("sys.stderr"))

    def know(self) -> Sandbox:
        sandbox = self.sandboxes.adopt(f"0000-{SANDBOX_ID}")
        sandbox.warden_handle = 0
        return sandbox

    def test_what_is_asked_in_good_faith_is_done_with_fields_that_were_checked(self):
        self.operations.perform(VALID[0])
        sandbox_id, sandbox, fields = self.spawn.call_args[0]
        self.assertEqual((sandbox_id, sandbox, fields["secret"]), (SANDBOX_ID, None, SECRET))
        self.assertEqual(fields["plan"].memory_bytes, 128 << 20)
        self.know()
        for operation in VALID[1:3]:
            self.operations.perform(operation)
        self.assertEqual(self.told[0], {"event": "limited", "sandbox": SANDBOX_ID, "error": None})
        self.operations.reaped(12345, 0)
        self.assertEqual(self.told[1], {"event": "mounted", "sandbox": SANDBOX_ID, "error": None})
        self.assertEqual(self.failed, [])

    def test_secrets_of_any_other_form_are_refused(self):
        for secret in ODD:
            if secret == SECRET:
                continue
            self.operations.perform({**VALID[0], "secret": secret})
            self.operations.perform({**VALID[3], "secret": secret})
        self.spawn.assert_not_called()
        self.maker.fork_porter.assert_not_called()
        self.assertEqual(len(self.failed), len(ODD) - 1)

    def test_fields_are_exactly_those_of_the_operation(self):
        self.know()
        for operation in VALID:
            for bent in (
                {**operation, "extra": 1},
                *({k: v for k, v in operation.items() if k != name} for name in operation),
            ):
                self.told.clear()
                self.failed.clear()
                self.operations.perform(bent)
                answers = [event.get("error") or event.get("message") for event in self.told]
                self.assertEqual(len(answers) + len(self.failed), 1, bent)
                self.assertTrue(all(answers), bent)
        self.spawn.assert_not_called()
        self.destroy.assert_not_called()
        self.destroy_all.assert_not_called()

    def test_whatever_a_field_holds_nothing_is_raised_and_what_is_told_is_short(self):
        chance = random.Random(1)
        self.know()
        for _ in range(3000):
            operation = dict(chance.choice(VALID))
            name = chance.choice([*operation, "extra"])
            operation[name] = chance.choice(ODD)
            if name == "plan" or chance.random() < 0.2:
                operation["plan"] = {**PLAN, chance.choice(list(PLAN)): chance.choice(ODD)}
            self.operations.perform(operation)
        for event in self.told:
            self.assertLess(len(json.dumps(event)), 2000)
        for _, message in self.failed:
            self.assertLessEqual(len(message), 500)

    def test_what_goes_wrong_in_an_operation_is_told_and_ends_nobody(self):
        self.spawn.side_effect = RuntimeError("a fault of ours")
        self.operations.perform(VALID[0])
        self.assertEqual(self.failed, [(SANDBOX_ID, "a fault of ours")])
        self.know()
        self.maker.fork_porter.side_effect = RecursionError("deep")
        self.operations.perform(VALID[3])
        self.assertEqual(self.told[-1], {"event": "porter", "sandbox": SANDBOX_ID, "error": "deep"})
        self.destroy.side_effect = ZeroDivisionError()
        self.operations.perform(VALID[5])
        self.assertEqual(self.told[-1], {"event": "refused", "message": "ZeroDivisionError"})
        self.destroy_all.side_effect = MemoryError()
        self.operations.perform({"op": "panic"})

    def test_the_log_is_bounded(self):
        self.spawn.side_effect = RuntimeError("\x1b[2J\n" + "long" * 1000)
        for _ in range(5000):
            self.operations.perform(VALID[0])
        written = "".join(call[0][0] for call in self.stderr.write.call_args_list)
        self.assertLess(len(written), 64 << 10)
        self.assertNotIn("\x1b", written)
        self.assertIn("the keeper says no more", written)

"""What the keeper reads about a sandbox's processes, and the probe's checks where they must fail."""

import os
import unittest

from _glovebox import probes
from _glovebox.confine import linux
from _glovebox.keeper import inspection
from tests.support import in_child

_PROBE = os.path.join(probes.__path__[0], "probe.py")
_NOBODY = 65534


def probe_checks() -> dict:
    """The probe's functions without its last line, which would run them all."""
    with open(_PROBE, encoding="utf-8") as file:
        source = file.read()
    body, last = source.rstrip().rsplit("\n", 1)
    assert last == "print(json.dumps(_run()))", last
    checks: dict = {}
    exec(compile(body, _PROBE, "exec"), checks)
    return checks


def unconfined() -> dict:
    """What the checks say to an ordinary user of a host: no filter, no namespaces of one's own."""
    checks = probe_checks()
    os.setgroups([_NOBODY])
    os.setresgid(_NOBODY, _NOBODY, _NOBODY)
    os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    names = [check.__name__ for check in checks["_CHECKS"]]
    # Those that would end or block this process, or depend on where the tests run, are left out.
    tried = {"user_identity", "no_new_privileges", "system_call_filter", "foreign_abis", "mounts", "devices"}
    return {name: checks[name]() is not None for name in names if name in tried}


def foreign_abi_of_a_kernel_without_it() -> str | None:
    checks = probe_checks()
    checks["_refused"] = lambda *_: True
    checks["_INT80_GETPID"] = b"\xf4"  # hlt ends a user's process as an unknown interrupt does.
    return checks["foreign_abis"]()


class InspectionTest(unittest.TestCase):
    def test_a_kernel_without_the_32_bit_table_ends_no_more_than_the_attempt(self):
        self.assertIsNone(in_child(foreign_abi_of_a_kernel_without_it))

    def test_all_processes_are_described_by_their_pidfds(self):
        handle = os.pidfd_open(os.getpid())
        self.addCleanup(os.close, handle)
        facts = inspection.sandbox(handle, handle, handle)
        self.assertEqual(facts["kernel"], facts["warden"])
        self.assertEqual(facts["kernel"], facts["porter"])
        self.assertIsNone(inspection.sandbox(handle, handle, -1)["porter"])
        self.assertEqual(facts["kernel"]["namespaces"], facts["keeper"])
        self.assertEqual(
            set(facts["keeper"]), {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"}
        )
        status = facts["kernel"]["status"]
        self.assertEqual(status["Uid"], " ".join([str(os.getuid())] * 4))
        self.assertEqual(status["Seccomp"], "0")
        self.assertRegex(status["CapEff"], "^[0-9a-f]{16}$")
        self.assertTrue(facts["kernel"]["cgroups"])

    def test_a_process_that_has_ended_cannot_be_described(self):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        handle = os.pidfd_open(pid)
        self.addCleanup(os.close, handle)
        os.waitpid(pid, 0)
        with self.assertRaises(OSError):
            inspection.sandbox(handle, handle, -1)


class ProbeTest(unittest.TestCase):
    def test_an_unconfined_process_does_not_pass(self):
        found = in_child(unconfined)
        self.assertEqual(found, dict.fromkeys(found, True))
        self.assertEqual(len(found), 6)


if __name__ == "__main__":
    unittest.main()

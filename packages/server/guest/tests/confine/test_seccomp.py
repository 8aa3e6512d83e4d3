"""The system call policy, by running the assembled program in a small BPF interpreter, and once in
the kernel itself."""

import ctypes
import errno
import itertools
import json
import os
import socket
import struct
import unittest

from _glovebox import policy
from _glovebox.confine import linux, seccomp
from tests.support import in_child

POLICY_DIRECTORY = policy.DIRECTORY
X86_64 = 0xC000003E
I386 = 0x40000003
ALLOW = "allow"
NAMESPACE_FLAGS = {
    "CLONE_NEWNS": 0x00020000,
    "CLONE_NEWCGROUP": 0x02000000,
    "CLONE_NEWUTS": 0x04000000,
    "CLONE_NEWIPC": 0x08000000,
    "CLONE_NEWUSER": 0x10000000,
    "CLONE_NEWPID": 0x20000000,
    "CLONE_NEWNET": 0x40000000,
}
# What glibc passes for pthread_create, and for fork.
THREAD_FLAGS = 0x003D0F00
FORK_FLAGS = 0x01200011

with open(f"{POLICY_DIRECTORY}/seccomp.json", encoding="utf-8") as file:
    POLICY = json.load(file)
with open(f"{POLICY_DIRECTORY}/syscalls_x86_64.json", encoding="utf-8") as file:
    NUMBERS = json.load(file)


def interpret(program: bytes, number: int, args=(), arch: int = X86_64) -> str | int:
    """What the kernel would do with a call: ALLOW, or the errno."""
    data = struct.pack("=IIQ6Q", number, arch, 0, *args, *[0] * (6 - len(args)))
    position = accumulator = 0
    while True:
        code, if_true, if_false, value = struct.unpack_from("=HBBI", program, position * 8)
        position += 1
        if code == 0x20:  # Load a word.
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif code == 0x54:  # And.
            accumulator &= value
        elif code == 0x15:  # Jump if equal.
            position += if_true if accumulator == value else if_false
        elif code == 0x25:  # Jump if greater.
            position += if_true if accumulator > value else if_false
        elif code == 0x05:  # Jump.
            position += value
        elif code == 0x06:  # Return.
            if value == 0x7FFF0000:
                return ALLOW
            assert value & 0xFFFF0000 == 0x00050000, f"neither allow nor errno: {value:#x}"
            return value & 0xFFFF
        else:
            raise AssertionError(f"an instruction that the policy does not need: {code:#x}")


class PolicyTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = seccomp.load_program(POLICY_DIRECTORY)

    def decide(self, name: str, *args: int) -> str | int:
        return interpret(self.program, NUMBERS[name], args)

    def rules(self, conditional: bool):
        return [rule for rule in POLICY["rules"] if ("when" in rule) == conditional]

    def test_every_call_that_is_named_without_a_condition_is_allowed(self):
        for rule in self.rules(conditional=False):
            if "action" in rule:
                continue
            for name in rule["syscalls"]:
                self.assertEqual(self.decide(name, *[0xFFFFFFFFFFFFFFFF] * 6), ALLOW, name)

    def test_every_call_that_is_not_named_fails_with_eperm(self):
        named = {name for rule in POLICY["rules"] for name in rule["syscalls"]}
        for name in NUMBERS.keys() - named:
            self.assertEqual(self.decide(name), errno.EPERM, name)

    def test_gaps_in_the_table_fail_with_eperm(self):
        known = set(NUMBERS.values())
        for number in set(range(max(known))) - known:
            self.assertEqual(interpret(self.program, number), errno.EPERM, number)

    def test_numbers_above_the_table_fail_with_enosys(self):
        for number in (max(NUMBERS.values()) + 1, 1000, 0x3FFFFFFF):
            self.assertEqual(interpret(self.program, number), errno.ENOSYS, number)

    def test_calls_with_an_older_form_fail_with_enosys(self):
        for name in (
            "clone3",
            "faccessat2",
            "fchmodat2",
            "epoll_pwait2",
            "openat2",
            "sendfile",
            "copy_file_range",
        ):
            self.assertEqual(self.decide(name), errno.ENOSYS, name)

    def test_setting_extended_attributes_is_not_supported(self):
        for name in ("setxattr", "fsetxattr", "lsetxattr", "removexattr"):
            self.assertEqual(self.decide(name), errno.ENOTSUP, name)

    def test_the_32_bit_table_is_closed(self):
        for number in range(512):
            self.assertEqual(interpret(self.program, number, arch=I386), errno.EPERM, number)

    def test_the_x32_table_is_closed(self):
        for number in range(600):
            x32 = 0x40000000 | number
            self.assertEqual(interpret(self.program, x32), errno.EPERM, number)
        for number in (0x80000000, 0xFFFFFFFF):
            self.assertEqual(interpret(self.program, number), errno.EPERM, number)

    def test_clone_makes_threads_and_processes(self):
        for flags in (THREAD_FLAGS, FORK_FLAGS, 17, 0x4000 | 0x100 | 17):
            self.assertEqual(self.decide("clone", flags), ALLOW, hex(flags))

    def test_clone_with_any_namespace_flag_fails(self):
        for (name, flag), base in itertools.product(
            NAMESPACE_FLAGS.items(), (0, 17, THREAD_FLAGS, FORK_FLAGS, 0xABCD << 32)
        ):
            self.assertEqual(self.decide("clone", base | flag), errno.EPERM, name)

    def test_unix_and_internet_sockets_are_allowed(self):
        non_blocking_cloexec = 0o4000 | 0o2000000
        for arguments in (
            (1, 1, 0),
            (1, 2, 0),
            (1, 5 | non_blocking_cloexec, 0),
            (2, 1, 0),
            (2, 1 | non_blocking_cloexec, 6),
            (2, 2, 17),
            (10, 1, 6),
            (10, 2, 0),
            (16, 3 | non_blocking_cloexec, 0),
        ):
            self.assertEqual(self.decide("socket", *arguments), ALLOW, arguments)

    def test_rare_socket_families_fail(self):
        for family in set(range(64)) - {1, 2, 10, 16}:
            for kind in (1, 2, 3, 5):
                self.assertEqual(self.decide("socket", family, kind, 0), errno.EPERM, family)

    def test_raw_sockets_and_rare_protocols_fail(self):
        raw, seqpacket = 3, 5
        icmp, sctp, mptcp, audit, netfilter = 1, 132, 262, 9, 12
        for family in (2, 10):
            for arguments in (
                (family, raw, 0),
                (family, raw, icmp),
                (family, seqpacket, sctp),
                (family, 2, icmp),
                (family, 1, sctp),
                (family, 1, mptcp),
            ):
                self.assertEqual(self.decide("socket", *arguments), errno.EPERM, arguments)
        for protocol in (audit, netfilter, 16, 21):
            self.assertEqual(self.decide("socket", 16, raw, protocol), errno.EPERM, protocol)

    def test_pairs_of_sockets_are_of_the_unix_family_only(self):
        self.assertEqual(self.decide("socketpair", 1, 1, 0), ALLOW)
        for family in (2, 10, 16, 30):
            self.assertEqual(self.decide("socketpair", family, 1, 0), errno.EPERM)

    def test_a_socket_is_asked_about_itself_but_not_for_its_peers_process(self):
        so_error, so_peerpidfd, tcp_info = 4, 77, 11
        self.assertEqual(self.decide("getsockopt", 3, socket.SOL_SOCKET, so_error), ALLOW)
        self.assertEqual(self.decide("getsockopt", 3, socket.IPPROTO_TCP, tcp_info), ALLOW)
        self.assertEqual(
            self.decide("getsockopt", 3, socket.SOL_SOCKET, so_peerpidfd), errno.EPERM
        )

    def test_waiting_is_by_poll_and_select_without_epoll(self):
        for name in ("poll", "ppoll", "pselect6"):
            self.assertEqual(self.decide(name), ALLOW, name)
        for name in ("epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait"):
            self.assertEqual(self.decide(name), errno.EPERM, name)

    def test_ioctl_cannot_push_terminal_input(self):
        tiocsti, tioclinux, tiocsetd, siocgstamp, fionread = 0x5412, 0x541C, 0x5423, 0x8906, 0x541B
        for request in (tiocsti, tioclinux, tiocsetd, siocgstamp, 0):
            self.assertEqual(self.decide("ioctl", 0, request), errno.EPERM, hex(request))
            # The kernel looks at the low 32 bits alone, and so must the filter.
            self.assertEqual(self.decide("ioctl", 0, request | 1 << 32), errno.EPERM)
        for request in (0x5401, 0x5413, fionread):
            self.assertEqual(self.decide("ioctl", 0, request), ALLOW, hex(request))

    def test_prctl_names_threads_and_does_no_more(self):
        set_name, get_name, no_new_privs = 15, 16, 38
        for option in (set_name, get_name, no_new_privs):
            self.assertEqual(self.decide("prctl", option), ALLOW, option)
        seccomp_mode, keep_caps, drop_bounding, securebits, ptracer, memory_map, subreaper = (
            22,
            8,
            24,
            28,
            0x59616D61,
            35,
            36,
        )
        for option in (
            seccomp_mode,
            keep_caps,
            drop_bounding,
            securebits,
            ptracer,
            memory_map,
            subreaper,
        ):
            self.assertEqual(self.decide("prctl", option), errno.EPERM, option)

    def test_mknodat_makes_pipes_and_files_but_no_devices(self):
        file, fifo, unix_socket, character, block = 0o100000, 0o10000, 0o140000, 0o20000, 0o60000
        for kind in (0, file, fifo, unix_socket):
            self.assertEqual(self.decide("mknodat", 0, 0, kind | 0o644), ALLOW, oct(kind))
        for kind in (character, block, 0o40000, 0o120000):
            self.assertEqual(self.decide("mknodat", 0, 0, kind | 0o644), errno.EPERM, oct(kind))
        self.assertEqual(self.decide("mknod", 0, file), errno.EPERM)

    def test_nothing_makes_a_set_uid_or_set_gid_file(self):
        create, unnamed, neither = 0o101, 0o20200001, 0
        for bits in (0o4000, 0o2000, 0o6000):
            for mode in (bits, bits | 0o755):
                for call in (
                    ("chmod", 0, mode),
                    ("fchmod", 0, mode),
                    ("fchmodat", 0, 0, mode),
                    ("creat", 0, mode),
                    ("openat", 0, 0, create, mode),
                    ("openat", 0, 0, unnamed, mode),
                    ("mknodat", 0, 0, 0o100000 | mode),
                ):
                    self.assertEqual(self.decide(*call), errno.EPERM, call)
        for call in (
            ("chmod", 0, 0o1777),
            ("fchmodat", 0, 0, 0o755),
            ("creat", 0, 0o644),
            ("openat", 0, 0, create, 0o666),
            # Where nothing is created nobody sets the fourth argument.
            ("openat", 0, 0, neither, 0xFFFFFFFF),
        ):
            self.assertEqual(self.decide(*call), ALLOW, call)

    def test_calls_do_what_programs_ask_of_them_and_no_more(self):
        """For each call the arguments that pass, and those that reach a rare part of the kernel."""
        private_anonymous, huge, grows = 0x22, 0x40000, 0x100
        cases = {
            "mmap": (
                [(0, 1, 3, private_anonymous), (0, 1, 3, 0x1 | 0x8000)],
                [(0, 1, 3, private_anonymous | flag) for flag in (huge, grows, huge | 21 << 26)],
            ),
            "memfd_create": ([(0, 0), (0, 3), (0, 8)], [(0, 4), (0, 5)]),
            "madvise": ([(0, 0, 4), (0, 0, 14)], [(0, 0, n) for n in (12, 13, 21, 25, 100, 101)]),
            "futex": (
                [(0, operation | 128) for operation in (0, 1, 3, 4, 5, 9, 10)] + [(0, 9 | 384)],
                [(0, operation | 128) for operation in (6, 7, 8, 11, 12, 13)],
            ),
            "fcntl": (
                [(0, 3), (0, 4, 0o4000), (0, 6), (0, 1030)],
                [(0, n) for n in (8, 10, 15, 1024, 1025, 1026)] + [(0, 4, 0x2000)],
            ),
            "renameat2": ([(0, 0, 0, 0, n) for n in (0, 1, 2)], [(0, 0, 0, 0, n) for n in (4, 5)]),
            "sendto": ([(0, 0, 0, 0x4000)], [(0, 0, 0, n) for n in (1, 0x4000001, 0x20000000)]),
            "recvfrom": ([(0, 0, 0, 0x42)], [(0, 0, 0, 1)]),
            "sendmsg": ([(0, 0, 0x4000)], [(0, 0, 1)]),
            "recvmsg": ([(0, 0, 0x40000000)], [(0, 0, 0x40000001)]),
            "getsockopt": (
                [(0, 1, 4), (0, 1, 17), (0, 6, 1)],
                [(0, 1, 77), (0, 1, 26), (0, 6, 35), (0, 0, 64), (0, 270, 1)],
            ),
        }
        for name, (passing, failing) in cases.items():
            for args in passing:
                self.assertEqual(self.decide(name, *args), ALLOW, (name, args))
            for args in failing:
                self.assertEqual(self.decide(name, *args), errno.EPERM, (name, args))

    def test_what_has_led_out_of_containers_is_refused(self):
        for name in (
            "bpf",
            "io_uring_setup",
            "userfaultfd",
            "perf_event_open",
            "keyctl",
            "add_key",
            "unshare",
            "setns",
            "mount",
            "fsopen",
            "move_mount",
            "pivot_root",
            "chroot",
            "ptrace",
            "process_vm_readv",
            "process_vm_writev",
            "pidfd_getfd",
            "open_by_handle_at",
            "init_module",
            "finit_module",
            "kexec_load",
            "clock_settime",
            "settimeofday",
            "personality",
            "seccomp",
            "setuid",
            "setgroups",
            "capset",
            "quotactl",
            "swapon",
            "reboot",
            "landlock_create_ruleset",
            "shmget",
            "msgget",
            "semget",
        ):
            self.assertEqual(self.decide(name), errno.EPERM, name)

    def test_the_program_means_what_the_conditions_say(self):
        """The assembled jumps against a direct reading of the rules, over interesting arguments."""

        def holds(condition, args):
            value = args[condition["arg"]] & 0xFFFFFFFF & condition.get("mask", 0xFFFFFFFF)
            return value in condition["one_of"]

        for rule in self.rules(conditional=True):
            interesting = {position: {0} for position in range(6)}
            for condition in itertools.chain(*rule["when"]):
                values = interesting[condition["arg"]]
                values |= {1, condition.get("mask", 0)}
                for value in condition["one_of"]:
                    values |= {value, value + 1, value ^ 0x10, value | 1 << 32}
            for args in itertools.product(*interesting.values()):
                allowed = any(all(holds(one, args) for one in block) for block in rule["when"])
                for name in rule["syscalls"]:
                    expected = ALLOW if allowed else errno.EPERM
                    self.assertEqual(self.decide(name, *args), expected, (name, args))

    def test_at_most_170_calls_are_reachable(self):
        allowed = [
            name
            for rule in POLICY["rules"]
            if "action" not in rule
            for name in rule["syscalls"]
        ]
        self.assertLessEqual(len(allowed), 170)

    def test_the_kernel_takes_the_program_and_does_the_same(self):
        def confined() -> dict:
            libc = ctypes.CDLL(None, use_errno=True)
            libc.syscall.restype = ctypes.c_long

            def errno_of(number: int, *args: int) -> int:
                result = libc.syscall(number, *[ctypes.c_long(arg) for arg in args])
                return ctypes.get_errno() if result < 0 else 0

            linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
            linux.load_seccomp_filter(self.program)
            return {
                "getppid": errno_of(NUMBERS["getppid"]),
                "unshare": errno_of(NUMBERS["unshare"], 0),
                "clone3": errno_of(NUMBERS["clone3"], 0, 0),
                "unknown": errno_of(100_000),
                "x32": errno_of(0x40000000 | NUMBERS["getppid"]),
                "socket": errno_of(NUMBERS["socket"], 38, 5, 0),
            }

        self.assertEqual(
            in_child(confined),
            {
                "getppid": 0,
                "unshare": errno.EPERM,
                "clone3": errno.ENOSYS,
                "unknown": errno.ENOSYS,
                "x32": errno.EPERM,
                "socket": errno.EPERM,
            },
        )


class AssembleTest(unittest.TestCase):
    numbers = {"read": 0, "write": 1, "last": 400}

    def assemble(self, *rules: dict) -> bytes:
        return seccomp.assemble({"rules": list(rules)}, self.numbers)

    def test_a_rule_without_a_reason_is_refused(self):
        for rule in ({"syscalls": ["read"]}, {"syscalls": ["read"], "reason": ""}):
            with self.assertRaisesRegex(seccomp.PolicyError, "without a reason.*read"):
                self.assemble(rule)

    def test_a_name_that_comes_twice_is_refused(self):
        with self.assertRaisesRegex(seccomp.PolicyError, "read is named twice"):
            self.assemble({"reason": "r", "syscalls": ["read", "read"]})
        with self.assertRaisesRegex(seccomp.PolicyError, "write is named twice"):
            self.assemble(
                {"reason": "r", "syscalls": ["write"]}, {"reason": "r", "syscalls": ["write"]}
            )

    def test_an_unknown_name_is_refused(self):
        with self.assertRaisesRegex(seccomp.PolicyError, "raed is not a system call"):
            self.assemble({"reason": "r", "syscalls": ["raed"]})

    def test_conditions_that_no_jump_can_cross_are_refused(self):
        condition = {"arg": 0, "one_of": list(range(150))}
        with self.assertRaisesRegex(seccomp.PolicyError, "read are too long"):
            self.assemble({"reason": "r", "syscalls": ["read"], "when": [[condition, condition]]})

    def test_a_program_longer_than_the_kernel_takes_is_refused(self):
        condition = {"arg": 0, "one_of": list(range(200))}
        numbers = {f"call{n}": n for n in range(30)}
        rule = {"reason": "r", "syscalls": list(numbers), "when": [[condition]]}
        with self.assertRaisesRegex(seccomp.PolicyError, "instructions"):
            seccomp.assemble({"rules": [rule]}, numbers)

    def test_an_empty_policy_allows_nothing(self):
        program = self.assemble()
        for number in self.numbers.values():
            self.assertEqual(interpret(program, number), errno.EPERM)


if __name__ == "__main__":
    unittest.main()

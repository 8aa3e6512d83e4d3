"""The confinement plan and the order of the steps; the steps that need no namespaces run for real."""

import math
import os
import resource
import unittest

from _glovebox import policy
from _glovebox.confine import confine, seccomp
from _glovebox.confine.folders import Folders
from _glovebox.confine.plan import Context, Plan, PlanRefused
from tests.support import in_child

POLICY_DIRECTORY = policy.DIRECTORY
GOOD_PLAN = {
    "memory_bytes": 512 << 20,
    "cpu_cores": 0.5,
    "processes": 50,
    "open_files": 1024,
    "workspace_bytes": 100 << 20,
    "workspace_inodes": 12800,
    "tmp_bytes": 100 << 20,
    "tmp_inodes": 12800,
    "home_bytes": 512 << 20,
    "home_inodes": 65536,
    "mounts": [],
}
NUMBERS = [name for name in GOOD_PLAN if name != "mounts"]
NO_FOLDERS = Folders("", 0)


def context(keep_descriptors: frozenset[int] = frozenset(), program: bytes = b"") -> Context:
    return Context(
        plan=Plan.parse(GOOD_PLAN, NO_FOLDERS),
        tree="/",
        host_uid=0,
        file_bytes=1 << 30,
        hostname="test",
        keep_descriptors=keep_descriptors,
        seccomp_program=program,
        map_ids=lambda: None,
    )


class PlanTest(unittest.TestCase):
    def refuse(self, plan: object, message: str) -> None:
        with self.assertRaisesRegex(PlanRefused, message):
            Plan.parse(plan, NO_FOLDERS)

    def test_a_good_plan_is_taken_as_it_is(self):
        self.assertEqual(vars(Plan.parse(GOOD_PLAN, NO_FOLDERS)), GOOD_PLAN)

    def test_whole_cores_are_taken(self):
        self.assertEqual(Plan.parse({**GOOD_PLAN, "cpu_cores": 2}, NO_FOLDERS).cpu_cores, 2.0)

    def test_a_missing_field_is_refused(self):
        for name in GOOD_PLAN:
            plan = {key: value for key, value in GOOD_PLAN.items() if key != name}
            self.refuse(plan, "exactly the known fields")

    def test_an_extra_field_is_refused(self):
        self.refuse({**GOOD_PLAN, "network": True}, "exactly the known fields")

    def test_what_is_no_object_is_refused(self):
        for plan in (None, [], "plan", 7, list(GOOD_PLAN)):
            self.refuse(plan, "exactly the known fields")

    def test_a_truth_value_is_no_number(self):
        for name in NUMBERS:
            self.refuse({**GOOD_PLAN, name: True}, f"{name} is not a number")

    def test_text_null_lists_and_fractions_of_whole_things_are_refused(self):
        for name in NUMBERS:
            for value in ("64", None, [1], {}):
                self.refuse({**GOOD_PLAN, name: value}, f"{name} is not a number")
            if name != "cpu_cores":
                self.refuse({**GOOD_PLAN, name: 1e7}, f"{name} is not a number")

    def test_not_a_number_and_infinities_are_refused(self):
        for value in (math.nan, math.inf, -math.inf):
            self.refuse({**GOOD_PLAN, "cpu_cores": value}, "cpu_cores is not between")
            self.refuse({**GOOD_PLAN, "memory_bytes": value}, "memory_bytes is not a number")

    def test_values_out_of_range_are_refused(self):
        for name in NUMBERS:
            for value in (-1, 0, 1 << 60):
                self.refuse({**GOOD_PLAN, name: value}, f"{name} is not between")

    def test_unknown_mounts_are_refused(self):
        for value in (["data"], "data", None, {}):
            self.refuse({**GOOD_PLAN, "mounts": value}, "the mounts are not|there is no mount")

    def test_a_file_may_claim_twice_what_can_be_filled_and_more_where_folders_are_written(self):
        plan = Plan.parse(GOOD_PLAN, NO_FOLDERS)
        self.assertEqual(plan.file_bytes(has_writable_folders=False), 1 << 30)
        self.assertEqual(plan.file_bytes(has_writable_folders=True), 1 << 40)

    def test_a_plan_cannot_be_changed_later(self):
        with self.assertRaises(AttributeError):
            Plan.parse(GOOD_PLAN, NO_FOLDERS).memory_bytes = 1


class StepsTest(unittest.TestCase):
    def lists(self) -> dict[str, list[str]]:
        return {
            "warden": [step.__name__ for step in confine.WARDEN_STEPS],
            "kernel": [step.__name__ for step in confine.kernel_steps(warden=0, built=0)],
        }

    def test_the_system_call_filter_comes_last(self):
        for who, names in self.lists().items():
            self.assertEqual(names[-1], "filter_system_calls", who)

    def test_no_new_privileges_precede_the_filter(self):
        for who, names in self.lists().items():
            self.assertLess(
                names.index("forbid_new_privileges"), names.index("filter_system_calls"), who
            )

    def test_the_user_namespace_is_entered_after_every_other_namespace_and_mount(self):
        names = self.lists()["warden"]
        position = names.index("enter_user_namespace")
        for earlier in (
            "set_apart",
            "stop_mount_propagation",
            "mount_read_only_root",
            "mount_writable_places",
            "make_devices",
            "mount_own_proc",
            "hide_host_facts",
            "seal_devices",
            "enter_root",
            "name_host",
            "bring_loopback_up",
        ):
            self.assertLess(names.index(earlier), position, earlier)

    def test_limits_are_set_while_they_still_can_be_and_before_the_ids_are_given_up(self):
        for who, become in (("warden", "become_warden"), ("kernel", "become_user")):
            names = self.lists()[who]
            self.assertLess(names.index("limit_resources"), names.index(become))

    def test_capabilities_go_after_the_ids(self):
        for who, become in (("warden", "become_warden"), ("kernel", "become_user")):
            names = self.lists()[who]
            self.assertLess(names.index(become), names.index("drop_capabilities"))

    def test_both_lists_close_what_they_inherited(self):
        for names in self.lists().values():
            self.assertIn("close_descriptors", names)

    def test_every_step_says_what_it_is_for(self):
        for step in (*confine.WARDEN_STEPS, *confine.kernel_steps(warden=0, built=0)):
            if step.__name__ not in ("join_namespaces", "wait_for_warden"):
                self.assertTrue(step.__doc__, step.__name__)

    def test_confine_runs_the_steps_in_order_and_stops_at_the_first_that_fails(self):
        ran = []

        def first(_):
            ran.append("first")

        def second(_):
            raise OSError(1, "no")

        def third(_):
            ran.append("third")

        with self.assertRaises(confine.StepFailed) as caught:
            confine.confine((first, second, third), context())
        self.assertEqual(ran, ["first"])
        self.assertEqual(caught.exception.step, "second")
        self.assertIn("second: ", str(caught.exception))

    def test_a_step_that_wants_to_exit_fails_like_any_other(self):
        def leaving(_):
            raise SystemExit(0)

        with self.assertRaises(confine.StepFailed):
            confine.confine((leaving,), context())

    def keep(self, *also: int) -> list[int]:
        """Which of some descriptors are open after keeping those from 1 to 9 and `also`."""

        def probe() -> list[int]:
            null = os.open("/dev/null", os.O_RDONLY)
            for descriptor in (0, 70, 71, 900):
                os.dup2(null, descriptor)
            # The pipe for the answer is one of the first few.
            confine.close_descriptors(context(frozenset({*range(1, 10), *also})))
            return [n for n in (0, 70, 71, 900) if os.path.exists(f"/proc/self/fd/{n}")]

        return in_child(probe)

    def test_only_the_kept_descriptors_stay_open(self):
        self.assertEqual(self.keep(), [])
        self.assertEqual(self.keep(71), [71])
        self.assertEqual(self.keep(70, 71), [70, 71])

    def test_descriptor_0_can_be_kept_too(self):
        """os.closerange(0, 0) closes everything: it passes -1 on as the last one to close."""
        self.assertEqual(self.keep(0, 71), [0, 71])

    def test_resource_limits_are_hard_and_never_raised(self):
        def probe() -> dict:
            resource.setrlimit(resource.RLIMIT_SIGPENDING, (100, 100))
            confine.limit_resources(context())
            return {
                name: resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
                for name in ("NOFILE", "FSIZE", "CORE", "SIGPENDING", "MSGQUEUE")
            }

        self.assertEqual(
            in_child(probe),
            {
                "NOFILE": [1024, 1024],
                "FSIZE": [1 << 30, 1 << 30],
                "CORE": [0, 0],
                "SIGPENDING": [100, 100],
                "MSGQUEUE": [0, 0],
            },
        )

    def test_the_steps_leave_a_process_without_any_privilege(self):
        program = seccomp.load_program(POLICY_DIRECTORY)

        def probe() -> dict:
            steps = tuple(
                step
                for step in confine.kernel_steps(warden=0, built=0)
                if step.__name__
                not in ("offer_to_oom_killer", "wait_for_warden", "join_namespaces", "close_descriptors")
            )
            confine.confine(steps, context(program=program))
            with open("/proc/self/status", encoding="ascii") as file:
                facts = dict(line.rstrip("\n").split(":", 1) for line in file)
            wanted = ("Uid", "Gid", "Groups", "CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")
            found = {name: facts[name].strip() for name in (*wanted, "NoNewPrivs", "Seccomp")}
            try:
                os.setuid(0)
                found["back"] = "yes"
            except PermissionError:
                found["back"] = "no"
            return found

        none = "0000000000000000"
        ids = "\t".join(["1000"] * 4)
        self.assertEqual(
            in_child(probe),
            {
                "Uid": ids,
                "Gid": ids,
                "Groups": "",
                **dict.fromkeys(("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"), none),
                "NoNewPrivs": "1",
                "Seccomp": "2",
                "back": "no",
            },
        )


if __name__ == "__main__":
    unittest.main()

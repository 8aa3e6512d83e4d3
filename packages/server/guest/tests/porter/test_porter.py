"""The porter in a process of its own, confined as in a sandbox but for the namespaces of one."""

import io
import json
import os
import signal
import socket
import stat
import struct
import tarfile
import time
import unittest
import zipfile

from _glovebox import policy
from _glovebox.confine import confine, linux, seccomp
from _glovebox.confine.plan import Context
from _glovebox.porter import (
    paths as porter_paths,
    porter,
    steps as porter_steps,
    watch as porter_watch,
    wire,
)
from _glovebox.wire.agreement import USER_ID
from tests.support import PATIENCE_S

_POLICY = policy.DIRECTORY
_SIZE = 8 << 20
_PR_SET_SECUREBITS = 28
_NO_SETUID_FIXUP = 1 << 2
# All steps but those that need a sandbox's namespaces.
_STEPS = tuple(
    step
    for step in porter_steps.porter_steps(-1)
    if step.__name__ not in ("yield_to_others", "hide_group_names", "join_namespaces")
)


class Answer:
    """All that came for one request."""

    def __init__(self) -> None:
        self.head: dict | None = None
        self.data = b""
        self.items: list[dict] = []
        self.end: dict | None = None
        self.failure: str | None = None

    @property
    def over(self) -> bool:
        return self.end is not None or self.failure is not None


class PorterProcess:
    """A porter over a small workspace of its own, and the gateway's side of its connection."""

    def __init__(self) -> None:
        program = seccomp.load_program(_POLICY, "porter.json")
        self._connection, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                os.unshare(os.CLONE_NEWNS)
                linux.mount("", "/", "", linux.MS_REC | linux.MS_PRIVATE)
                owner = f"size={_SIZE},mode=0755,uid={USER_ID},gid={USER_ID}"
                linux.mount("tmpfs", "/workspace", "tmpfs", 0, owner)
                # In the user namespace of a sandbox no id is root, so none is special when it changes.
                linux.prctl(_PR_SET_SECUREBITS, _NO_SETUID_FIXUP)
                context = Context(
                    plan=None,
                    host_uid=USER_ID,
                    file_bytes=1 << 40,
                    hostname="",
                    tree="",
                    keep_descriptors=frozenset({theirs.fileno()}),
                    seccomp_program=program,
                    map_ids=lambda: None,
                )
                confine.confine(_STEPS, context)
                porter.Porter(theirs).run()
                code = 0
            except confine.StepFailed as failure:
                theirs.sendall(str(failure).encode())
            finally:
                os._exit(code)
        theirs.close()
        self._connection.settimeout(PATIENCE_S)
        self._buffer = b""
        self._next = 0
        self._answers: dict[int, Answer] = {0: Answer()}
        self.read_until(lambda: self._answers[0].head is not None)

    @property
    def root(self) -> str:
        return f"/proc/{self.pid}/root"

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def put(self, name: str, data: bytes) -> None:
        with open(self.path(name), "wb") as file:
            file.write(data)
        os.chown(self.path(name), USER_ID, USER_ID)

    # --- the wire ---------------------------------------------------------------------------

    def send(self, number: int, kind: int, payload: bytes = b"") -> None:
        self._connection.sendall(wire.frame(number, kind, payload))

    def say(self, number: int, kind: int, **fields: object) -> None:
        self.send(number, kind, json.dumps(fields).encode())

    def open(self, **fields: object) -> tuple[int, Answer]:
        self._next += 1
        self._answers[self._next] = answer = Answer()
        self.say(self._next, wire.OPEN, **fields)
        return self._next, answer

    def ask(self, **fields: object) -> Answer:
        _, answer = self.open(**fields)
        self.read_until(lambda: answer.over)
        return answer

    def read_until(self, done) -> None:
        while not done():
            chunk = self._connection.recv(1 << 20)
            if not chunk:
                raise AssertionError(f"the porter has ended: {self._buffer!r}")
            self._buffer += chunk
            self._take()

    def _take(self) -> None:
        while len(self._buffer) >= wire.HEADER_BYTES:
            length, number, kind = struct.unpack_from(">IIB", self._buffer)
            if len(self._buffer) < wire.HEADER_BYTES + length:
                return
            payload = self._buffer[wire.HEADER_BYTES : wire.HEADER_BYTES + length]
            self._buffer = self._buffer[wire.HEADER_BYTES + length :]
            answer = self._answers[number]
            if kind == wire.DATA:
                answer.data += payload
            elif kind == wire.HEAD:
                answer.head = json.loads(payload)
            elif kind == wire.ITEM:
                answer.items.append(json.loads(payload))
            elif kind == wire.END:
                answer.end = json.loads(payload)
            elif kind == wire.FAIL:
                answer.failure = json.loads(payload)["code"]

    def quiet(self, seconds: float) -> None:
        """Read what comes until nothing has for so long."""
        self._connection.settimeout(seconds)
        try:
            self.read_until(lambda: False)
        except TimeoutError:
            pass
        self._connection.settimeout(PATIENCE_S)

    # --- requests ---------------------------------------------------------------------------

    def write(self, *files: tuple[str, bytes]) -> Answer:
        number, answer = self.open(op="write")
        for name, data in files:
            self.say(number, wire.ITEM, path=name, size=len(data))
            for start in range(0, len(data), wire.CHUNK_BYTES_MAX):
                self.send(number, wire.DATA, data[start : start + wire.CHUNK_BYTES_MAX])
        self.say(number, wire.END)
        self.read_until(lambda: answer.over)
        return answer

    def read(self, name: str, start: int = 0, length: int | None = None) -> Answer:
        number, answer = self.open(op="read", path=name)
        self.read_until(lambda: answer.head or answer.over)
        if answer.head:
            wanted = answer.head["size"] - start if length is None else length
            self.say(number, wire.ITEM, start=start, length=wanted)
            while not answer.over:
                before = len(answer.data)
                self.read_until(lambda: answer.over or len(answer.data) > before)
                self.send(number, wire.CREDIT, struct.pack(">I", len(answer.data) - before))
        return answer

    def entries(self, path: str = "", recursive: bool = True, entries_max: int = 1000) -> list[dict]:
        answer = self.ask(op="list", path=path, recursive=recursive, entries_max=entries_max)
        return [entry for item in answer.items for entry in item["entries"]]

    def names(self) -> list[str]:
        return [entry["path"] for entry in self.entries()]

    def close(self) -> int:
        self._connection.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class PorterCase(unittest.TestCase):
    def setUp(self):
        self.porter = PorterProcess()
        self.addCleanup(self._end)

    def _end(self):
        self.assertEqual(self.porter.close(), 0, "it ends when the gateway closes")


class ConfinementTest(PorterCase):
    def test_it_is_nobody_but_for_files(self):
        with open(f"/proc/{self.porter.pid}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(status["Uid"], "999\t999\t999\t1000")
        self.assertEqual(status["Gid"], "999\t999\t999\t1000")
        self.assertEqual(status["Seccomp"], "2")
        self.assertEqual(status["NoNewPrivs"], "1")
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[name], 16), 0, name)

    def test_a_user_can_neither_signal_nor_trace_nor_slow_it(self):
        pid = self.porter.pid
        attempts = {
            "kill": lambda: os.kill(pid, 0),
            "nice": lambda: os.setpriority(os.PRIO_PROCESS, pid, 19),
            "affinity": lambda: os.sched_setaffinity(pid, {0}),
            "memory": lambda: open(f"/proc/{pid}/mem", "rb").close(),
            "root": lambda: os.listdir(f"/proc/{pid}/root"),
        }
        for name, attempt in attempts.items():
            with self.subTest(name):
                self.assertEqual(_as_user(attempt), "refused")

    def test_the_filter_is_shorter_than_that_of_user_code(self):
        with open(f"{_POLICY}/seccomp.json", encoding="utf-8") as file:
            user = _allowed(json.load(file))
        with open(f"{_POLICY}/porter.json", encoding="utf-8") as file:
            own = _allowed(json.load(file))
        more = {"inotify_init1", "inotify_add_watch", "inotify_rm_watch", "preadv2", "renameat2"}
        self.assertLessEqual(own - user, more)
        for name in ("execve", "clone", "vfork", "kill", "socket", "connect", "symlink", "chmod"):
            self.assertNotIn(name, own)

    def test_nothing_is_imported_from_the_workspace(self):
        os.makedirs(self.porter.path("usr/lib/python3.13"))
        for name in ("traceback", "linecache", "bz2", "lzma", "encodings/cp437"):
            place = self.porter.path(f"usr/lib/python3.13/{name}.py")
            os.makedirs(os.path.dirname(place), exist_ok=True)
            with open(place, "w", encoding="ascii") as file:
                file.write("open('/stolen', 'w').close()")
        self.porter.ask(op="archive", path="usr", format="zip")
        self.porter.ask(op="no such operation")
        self.assertNotIn("stolen", self.porter.names())


def _allowed(policy: dict) -> set[str]:
    return {name for rule in policy["rules"] if "action" not in rule for name in rule["syscalls"]}


def _as_user(attempt) -> str:
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(*[USER_ID] * 3)
            os.setresuid(*[USER_ID] * 3)
            attempt()
            os._exit(0)
        except OSError:
            os._exit(1)
        finally:
            os._exit(2)
    return {0: "allowed", 1: "refused"}.get(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "?")


class WriteTest(PorterCase):
    def test_a_file_belongs_to_the_user_and_its_folders_are_made(self):
        answer = self.porter.write(("a/b/c.txt", b"hello"))
        self.assertEqual(answer.end, {"files": [{"path": "a/b/c.txt", "size": 5, "created": True}]})
        status = os.stat(self.porter.path("a/b/c.txt"))
        self.assertEqual((status.st_uid, status.st_gid), (1000, 1000))
        self.assertEqual(stat.S_IMODE(status.st_mode), 0o644)
        self.assertEqual(stat.S_IMODE(os.stat(self.porter.path("a")).st_mode), 0o755)
        self.assertEqual(self.porter.names(), ["a", "a/b", "a/b/c.txt"])

    def test_another_file_is_replaced_at_once_and_keeps_its_mode(self):
        self.porter.put("x", b"old")
        os.chmod(self.porter.path("x"), 0o750)
        with open(self.porter.path("x"), "rb") as before:
            answer = self.porter.write(("x", b"new"))
            self.assertEqual(before.read(), b"old")
        self.assertFalse(answer.end["files"][0]["created"])
        self.assertEqual(self.porter.read("x").data, b"new")
        self.assertEqual(stat.S_IMODE(os.stat(self.porter.path("x")).st_mode), 0o750)
        self.assertEqual(self.porter.names(), ["x"])

    def test_nothing_shows_before_the_end_and_nothing_stays_after_a_cancel(self):
        number, _ = self.porter.open(op="write", path="half")
        self.porter.send(number, wire.DATA, b"x" * 100_000)
        self.assertEqual(self.porter.names(), [])
        self.assertGreater(_used(self.porter), 90_000)
        self.porter.send(number, wire.CANCEL)
        self.assertEqual(self.porter.names(), [])
        self.assertEqual(_used(self.porter), 0)

    def test_several_files_appear_together_or_not_at_all(self):
        self.porter.put("old", b"old")
        self.porter.put("blocked", b"a file where a folder would be needed")
        answer = self.porter.write(("new/a", b"1"), ("old", b"2"), ("blocked/b", b"3"))
        self.assertEqual(answer.failure, "NOT_A_DIRECTORY")
        self.assertEqual(self.porter.names(), ["blocked", "old"])
        self.assertEqual(self.porter.read("old").data, b"old")
        self.assertEqual(
            self.porter.write(("new/a", b"1"), ("old", b"2"), ("new/a", b"3")).end["files"][2],
            {"path": "new/a", "size": 1, "created": False},
        )
        self.assertEqual(self.porter.read("new/a").data, b"3")

    def test_as_many_files_as_a_form_may_bring_and_it_says_when_there_are_too_many(self):
        files = [(f"f{number}", b"") for number in range(1000)]
        self.assertEqual(len(self.porter.write(*files).end["files"]), 1000)
        waiting, _ = self.porter.open(op="write")
        for name, _ in files:
            self.porter.say(waiting, wire.ITEM, path=name, size=0)
        self.assertEqual(self.porter.write(*files).failure, "TOO_MANY")
        self.porter.send(waiting, wire.CANCEL)
        self.assertEqual(self.porter.write(*files).failure, None)

    def test_what_has_no_room_is_told_and_leaves_nothing(self):
        self.assertEqual(self.porter.write(("big", b"x" * (_SIZE + 1))).failure, "FILE_TOO_LARGE")
        number, answer = self.porter.open(op="write", path="unannounced")
        for _ in range(_SIZE // wire.CHUNK_BYTES_MAX + 1):
            self.porter.send(number, wire.DATA, b"x" * wire.CHUNK_BYTES_MAX)
        self.porter.read_until(lambda: answer.over)
        self.assertEqual(answer.failure, "FILE_TOO_LARGE")
        self.assertEqual(self.porter.names(), [])
        self.assertEqual(_used(self.porter), 0)

    def test_a_link_is_replaced_and_not_followed(self):
        self.porter.put("target", b"target")
        os.symlink("target", self.porter.path("link"))
        self.porter.write(("link", b"new"))
        self.assertEqual(self.porter.read("target").data, b"target")
        self.assertFalse(os.path.islink(self.porter.path("link")))

    def test_a_folder_is_not_replaced(self):
        os.mkdir(self.porter.path("folder"))
        self.assertEqual(self.porter.write(("folder", b"")).failure, "IS_A_DIRECTORY")

    def test_credit_is_given_back_for_what_was_written(self):
        number, answer = self.porter.open(op="write", path="x")
        self.porter.send(number, wire.DATA, b"x" * wire.CHUNK_BYTES_MAX)
        self.porter.quiet(0.2)
        self.porter.say(number, wire.END)
        self.porter.read_until(lambda: answer.over)
        self.assertEqual(answer.end["files"][0]["size"], wire.CHUNK_BYTES_MAX)


def _used(process: PorterProcess) -> int:
    # A question that is answered after what was sent before.
    process.names()
    space = os.statvfs(process.root)
    return (space.f_blocks - space.f_bfree) * space.f_frsize


class ReadTest(PorterCase):
    def test_a_part_of_a_file(self):
        self.porter.put("x", bytes(range(256)) * 4096)
        self.assertEqual(self.porter.read("x", 10, 5).data, bytes(range(10, 15)))
        whole = self.porter.read("x")
        self.assertEqual(whole.data, bytes(range(256)) * 4096)
        self.assertEqual(whole.head["size"], 1 << 20)

    def test_only_as_much_is_sent_as_there_is_credit_for(self):
        self.porter.put("x", b"x" * (4 << 20))
        number, answer = self.porter.open(op="read", path="x")
        self.porter.say(number, wire.ITEM, start=0, length=4 << 20)
        self.porter.quiet(0.3)
        self.assertEqual(len(answer.data), wire.WINDOW_BYTES)
        self.assertEqual(self.porter.names(), ["x"], "others are served meanwhile")
        self.porter.send(number, wire.CREDIT, struct.pack(">I", 4 << 20))
        self.porter.read_until(lambda: answer.over)
        self.assertEqual(len(answer.data), 4 << 20)

    def test_a_file_that_shrinks_fails_and_one_that_grows_does_not(self):
        self.porter.put("x", b"x" * (4 << 20))
        number, answer = self.porter.open(op="read", path="x")
        self.porter.say(number, wire.ITEM, start=0, length=4 << 20)
        self.porter.quiet(0.2)
        os.truncate(self.porter.path("x"), 5)
        self.porter.send(number, wire.CREDIT, struct.pack(">I", 4 << 20))
        self.porter.read_until(lambda: answer.over)
        self.assertEqual(answer.failure, "FILE_CHANGED")
        number, answer = self.porter.open(op="read", path="x")
        self.porter.read_until(lambda: answer.head)
        self.porter.put("x", b"y" * 100)
        self.porter.say(number, wire.ITEM, start=0, length=5)
        self.porter.read_until(lambda: answer.over)
        self.assertEqual(answer.data, b"y" * 5)

    def test_parts_that_no_file_can_have_end_their_own_request_only(self):
        self.porter.put("x", b"x")
        os.truncate(self.porter.path("x"), 1 << 20)
        number, other = self.porter.open(op="read", path="x")
        for start, length in (
            (1 << 63, 1),
            ((1 << 63) - 1, 1 << 63),
            ((1 << 63) - 1000, 1 << 63),
            (1 << 200, 1 << 200),
            (-1, 5),
            (0, -5),
            (-(1 << 63) - 1, 1),
        ):
            with self.subTest(start=start, length=length):
                self.assertIsNotNone(self.porter.read("x", start, length).failure)
        self.assertEqual(self.porter.read("x", 0, 3).data, b"x\0\0")
        self.porter.say(number, wire.ITEM, start=0, length=2)
        self.porter.read_until(lambda: other.over)
        self.assertEqual(other.data, b"x\0")

    def test_a_file_larger_than_the_workspace_is_holes_and_is_not_sent(self):
        self.porter.put("holes", b"x")
        os.truncate(self.porter.path("holes"), 1 << 40)
        answer = self.porter.read("holes")
        self.assertEqual((answer.failure, answer.head), ("FILE_TOO_LARGE", None))

    def test_what_is_no_regular_file_is_refused_at_once(self):
        os.mkfifo(self.porter.path("fifo"))
        os.chmod(self.porter.path("fifo"), 0o666)
        os.mkdir(self.porter.path("folder"))
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(self.porter.path("socket"))
        self.assertEqual(self.porter.read("fifo").failure, "FILE_ACCESS_DENIED")
        self.assertEqual(self.porter.read("socket").failure, "FILE_ACCESS_DENIED")
        self.assertEqual(self.porter.read("folder").failure, "IS_A_DIRECTORY")
        self.assertEqual(self.porter.read("folder/x").failure, "FILE_NOT_FOUND")

    def test_links_work_inside_and_are_dead_outside(self):
        self.porter.put("x", b"x")
        os.symlink("x", self.porter.path("inside"))
        self.assertEqual(self.porter.read("inside").data, b"x")
        for number, target in enumerate(
            ("/etc/passwd", "../../../../etc/passwd", "/proc/self/environ", "/dev/null", "loop6")
        ):
            os.symlink(target, self.porter.path(f"loop{number + 2}"))
            self.assertEqual(self.porter.read(f"loop{number + 2}").failure, "FILE_NOT_FOUND", target)

    def test_the_users_rights_decide(self):
        self.porter.put("x", b"x")
        os.chmod(self.porter.path("x"), 0)
        self.assertEqual(self.porter.read("x").failure, "FILE_ACCESS_DENIED")


class ListTest(PorterCase):
    def test_names_of_any_kind(self):
        for name in ("ü", "日本", "a b", "new\nline", "\udcff"):
            self.porter.put(name, b"")
        self.assertEqual(
            sorted(self.porter.names()), sorted(["ü", "日本", "a b", "new\nline", "\ufffd"])
        )

    def test_times_beyond_every_calendar(self):
        self.porter.put("x", b"")
        os.utime(self.porter.path("x"), ns=(0, (1 << 63) - 1))
        self.assertLessEqual(self.porter.entries()[0]["mtime_ms"], 8_640_000_000_000_000)

    def test_no_more_than_asked_for_and_it_says_so(self):
        for number in range(30):
            self.porter.put(f"{number:02}", b"")
        answer = self.porter.ask(op="list", path="", recursive=True, entries_max=10)
        self.assertEqual(sum(len(item["entries"]) for item in answer.items), 10)
        self.assertEqual(answer.end, {"truncated": True})

    def test_frames_stay_small_with_the_longest_names(self):
        for number in range(600):
            self.porter.put(f"{number:03}" + "\N{CJK UNIFIED IDEOGRAPH-4E00}" * 80, b"")
        self.assertEqual(len(self.porter.entries()), 600)

    def test_long_paths_are_bounded_together_and_it_says_so(self):
        for number in range(5000):
            self.porter.put(f"{number:04}" + "n" * 200, b"")
        number, listed = self.porter.open(
            op="list", path="", recursive=False, entries_max=10_000
        )
        self.porter.send(number, wire.CREDIT, struct.pack(">I", 8 << 20))
        self.porter.read_until(lambda: listed.over)
        self.assertEqual(listed.end, {"truncated": True})
        count = sum(len(item["entries"]) for item in listed.items)
        self.assertTrue(4500 < count < 5000, count)

    def test_what_is_deeper_than_a_path_can_name_is_left_out_and_can_be_removed(self):
        _dig(self.porter, 60)
        listed = self.porter.ask(op="list", path="", recursive=True, entries_max=1000)
        self.assertEqual(listed.end, {"truncated": True})
        self.assertEqual(self.porter.ask(op="remove", path="deep", recursive=True).end, {})
        self.assertEqual(self.porter.names(), [])
        self.assertEqual(os.statvfs(self.porter.root).f_files - os.statvfs(self.porter.root).f_ffree, 1)


def _dig(process: PorterProcess, depth: int) -> None:
    """Folders in folders, far deeper than a path is long."""
    pid = os.fork()
    if pid == 0:
        try:
            root = os.open(process.root, os.O_PATH)
            os.fchdir(root)
            os.setresgid(*[USER_ID] * 3)
            os.setresuid(*[USER_ID] * 3)
            os.mkdir("deep")
            os.chdir("deep")
            for _ in range(depth):
                os.mkdir("d" * 200)
                os.chdir("d" * 200)
                open("file", "w").close()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


class NamesTest(PorterCase):
    def test_bad_paths(self):
        for path in ("/x", "..", "a/../b", "a//b", ".", "x\0y", "a\nb", "x" * 256, "a/" * 2500, "\ud800", 7):
            with self.subTest(path=path):
                answer = self.porter.ask(op="list", path=path, recursive=False, entries_max=1)
                self.assertEqual(answer.failure, "INVALID_PATH")

    def test_rename(self):
        self.porter.put("a", b"a")
        self.porter.put("b", b"b")
        rename = {"op": "rename", "path": "a", "to": "b"}
        self.assertEqual(self.porter.ask(**rename, overwrite=False).failure, "FILE_EXISTS")
        self.assertEqual(self.porter.ask(**rename, overwrite=True).end, {})
        self.assertEqual(self.porter.names(), ["b"])
        self.assertEqual(self.porter.ask(**rename, overwrite=False).failure, "FILE_NOT_FOUND")

    def test_rename_makes_folders_on_the_way(self):
        self.porter.write(("a", b"a"), ("folder/b", b"b"))

        def move(path: str, to: str) -> str | None:
            return self.porter.ask(op="rename", path=path, to=to, overwrite=False).failure

        self.assertIsNone(move("a", "x/y/a"))
        self.assertEqual(move("none", "p/q"), "FILE_NOT_FOUND")
        self.assertEqual(move("x/y/a", "folder/b/c"), "NOT_A_DIRECTORY")
        # Into itself: what was made for it is gone again.
        self.assertEqual(move("folder", "folder/deep/er"), "INVALID_PATH")
        self.assertEqual(self.porter.names(), ["folder", "x", "folder/b", "x/y", "x/y/a"])

    def test_remove(self):
        self.porter.write(("a/b", b""), ("c", b""))
        remove = {"op": "remove", "path": "a"}
        self.assertEqual(
            self.porter.ask(**remove, recursive=False).failure, "DIRECTORY_NOT_EMPTY"
        )
        self.assertEqual(self.porter.ask(**remove, recursive=True).end, {})
        self.assertEqual(self.porter.ask(op="remove", path="", recursive=True).failure, "INVALID_PATH")
        self.assertEqual(self.porter.names(), ["c"])

    def test_a_link_to_a_folder_is_removed_alone(self):
        self.porter.write(("a/b", b""))
        os.symlink("a", self.porter.path("link"))
        self.assertEqual(self.porter.ask(op="remove", path="link", recursive=True).end, {})
        self.assertEqual(self.porter.names(), ["a", "a/b"])

    def test_make_directory(self):
        make = {"op": "mkdir", "path": "a/b"}
        self.assertEqual(self.porter.ask(**make).end, {"created": True})
        self.assertEqual(self.porter.ask(**make).end, {"created": False})
        self.porter.put("file", b"")
        self.assertEqual(self.porter.ask(op="mkdir", path="file").failure, "FILE_EXISTS")
        self.assertEqual(self.porter.ask(op="mkdir", path="file/a").failure, "NOT_A_DIRECTORY")


class ArchiveTest(PorterCase):
    def fill(self):
        self.porter.write(("d/a.txt", b"a" * 1000), ("d/ü/b", b"b" * 300_000))
        os.symlink("/etc/passwd", self.porter.path("d/link"))
        os.link(self.porter.path("d/a.txt"), self.porter.path("d/same"))
        os.mkfifo(self.porter.path("d/fifo"))
        self.porter.put("d/\udcff", b"odd")

    def archive(self, form: str, path: str = "d") -> Answer:
        answer = self.porter.ask(op="archive", path=path, format=form)
        self.assertIsNone(answer.failure)
        return answer

    def test_tar(self):
        self.fill()
        with tarfile.open(fileobj=io.BytesIO(self.archive("tar").data)) as found:
            members = {member.name: member for member in found.getmembers()}
            self.assertEqual(set(members), {"a.txt", "ü", "ü/b", "link", "same", "\udcff"})
            self.assertEqual(found.extractfile("ü/b").read(), b"b" * 300_000)
            self.assertEqual(members["link"].linkname, "/etc/passwd")
            self.assertTrue(members["same"].islnk())
            self.assertEqual(members["a.txt"].uid, 0)

    def test_zip(self):
        self.fill()
        with zipfile.ZipFile(io.BytesIO(self.archive("zip").data)) as found:
            self.assertIsNone(found.testzip())
            self.assertEqual(set(found.namelist()), {"a.txt", "ü/", "ü/b", "same", "\ufffd"})
            self.assertEqual(found.read("ü/b"), b"b" * 300_000)

    def test_an_empty_folder(self):
        for form, opened in (("tar", tarfile.open), ("zip", None)):
            data = io.BytesIO(self.archive(form, "").data)
            if opened:
                self.assertEqual(tarfile.open(fileobj=data).getnames(), [])
            else:
                self.assertEqual(zipfile.ZipFile(data).namelist(), [])

    def test_what_no_workspace_could_hold_is_refused_before_the_first_byte(self):
        self.porter.put("holes", b"")
        os.truncate(self.porter.path("holes"), 1 << 40)
        answer = self.porter.ask(op="archive", path="", format="tar")
        self.assertEqual((answer.failure, answer.head), ("FILE_TOO_LARGE", None))

    def test_a_file_that_shrinks_is_filled_up(self):
        self.porter.put("x", b"x" * (3 << 20))
        number, answer = self.porter.open(op="archive", path="", format="tar")
        self.porter.quiet(0.3)
        os.truncate(self.porter.path("x"), 10)
        self.porter.send(number, wire.CREDIT, struct.pack(">I", 8 << 20))
        self.porter.read_until(lambda: answer.over)
        with tarfile.open(fileobj=io.BytesIO(answer.data)) as found:
            self.assertEqual(len(found.extractfile("x").read()), 3 << 20)

    def test_what_is_no_folder(self):
        self.porter.put("x", b"")
        for path, code in (("x", "NOT_A_DIRECTORY"), ("y", "FILE_NOT_FOUND")):
            answer = self.porter.ask(op="archive", path=path, format="tar")
            self.assertEqual(answer.failure, code)


class WatchTest(PorterCase):
    def test_changes_are_told(self):
        _, watch = self.porter.open(op="watch", path="")
        self.porter.read_until(lambda: watch.head is not None)

        def told() -> set[tuple[str, str, str]]:
            return {
                (change["change"], change["path"], change["type"])
                for item in watch.items
                for change in item["changes"]
            }

        def see(*changes: tuple[str, str, str]) -> None:
            self.porter.read_until(lambda: set(changes) <= told())

        self.porter.write(("a/b", b"1"))
        see(("created", "a", "directory"), ("created", "a/b", "file"))
        self.porter.put("a/b", b"22")
        see(("modified", "a/b", "file"))
        self.porter.ask(op="remove", path="a", recursive=True)
        see(("deleted", "a/b", "file"), ("deleted", "a", "directory"))

    def test_many_changes_are_gathered(self):
        _, watch = self.porter.open(op="watch", path="")
        self.porter.read_until(lambda: watch.head is not None)
        for number in range(500):
            self.porter.put("x", b"%d" % number)
        self.porter.read_until(lambda: watch.items)
        self.porter.quiet(0.5)
        self.assertLess(len(watch.items), 100)

    def test_there_are_few_watches_and_each_can_end(self):
        numbers = []
        for _ in range(8):
            number, watch = self.porter.open(op="watch", path="")
            self.porter.read_until(lambda: watch.head is not None)
            numbers.append(number)
        self.assertEqual(self.porter.ask(op="watch", path="").failure, "TOO_MANY")
        self.porter.send(numbers[0], wire.CANCEL)
        _, watch = self.porter.open(op="watch", path="")
        self.porter.read_until(lambda: watch.head is not None)

    def test_a_watch_that_ends_just_when_something_changes_ends_nothing_else(self):
        number, watch = self.porter.open(op="watch", path="")
        self.porter.read_until(lambda: watch.head is not None)
        os.kill(self.porter.pid, signal.SIGSTOP)
        self.porter.put("new", b"")
        self.porter.send(number, wire.CANCEL)
        os.kill(self.porter.pid, signal.SIGCONT)
        self.assertIsNone(self.porter.ask(op="list", path="", recursive=False, entries_max=10).failure)

    def test_comparing(self):
        old = {"a": ("file", 1, 1, 1), "b": ("file", 1, 1, 2)}
        new = {"a": ("file", 2, 1, 1), "c": ("link", 1, 1, 3)}
        self.assertEqual(
            [(c["change"], c["path"], c["type"]) for c in porter_watch.compare(old, new)],
            [("modified", "a", "file"), ("deleted", "b", "file"), ("created", "c", "link")],
        )


class WireTest(PorterCase):
    def test_requests_that_make_no_sense_fail_alone(self):
        for fields in (
            {},
            {"op": 7},
            {"op": "list"},
            {"op": "read", "path": None},
            {"op": "list", "path": "", "recursive": True, "entries_max": float("inf")},
            {"op": "list", "path": "", "recursive": True, "entries_max": "9" * 5000},
            {"op": "write", "path": "x", "size": float("inf")},
            {"op": ["read"], "path": "x"},
        ):
            with self.subTest(fields=fields):
                self.assertIsNotNone(self.porter.ask(**fields).failure)
        number, answer = self.porter.open(op="watch", path="", recursive=True)
        self.porter.send(number, wire.CREDIT, b"123")  # Four bytes are a number.
        self.porter.read_until(lambda: answer.over)
        self.assertIsNotNone(answer.failure)
        number, answer = self.porter.open(op="write", path="y")
        self.porter.send(number, wire.ITEM, b"[" * 100_000)
        self.porter.read_until(lambda: answer.over)
        self.assertIsNotNone(answer.failure)
        self.assertEqual(self.porter.names(), [])

    def test_frames_of_unknown_requests_are_left_alone(self):
        self.porter.send(12345, wire.DATA, b"x")
        self.porter.send(12345, wire.CREDIT, b"1234")
        self.porter.send(12345, wire.CANCEL)
        self.assertEqual(self.porter.names(), [])

    def test_many_requests_side_by_side(self):
        self.porter.put("x", b"x" * (900_000))
        asked = [self.porter.open(op="read", path="x") for _ in range(50)]
        for number, _ in asked:
            self.porter.say(number, wire.ITEM, start=0, length=900_000)
        self.porter.read_until(lambda: all(answer.over for _, answer in asked))
        self.assertTrue(all(len(answer.data) == 900_000 for _, answer in asked))

    def test_more_requests_than_it_takes(self):
        self.porter.put("x", b"x")
        for _ in range(128):
            self.porter.open(op="read", path="x")
        self.assertEqual(self.porter.ask(op="read", path="x").failure, "TOO_MANY")


class BrokenWireTest(unittest.TestCase):
    def test_a_frame_that_is_too_long_ends_it(self):
        process = PorterProcess()
        process._connection.sendall(struct.pack(">IIB", 1 << 30, 1, wire.DATA))
        started = time.monotonic()
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(process.pid, 0)[1]), 1)
        self.assertLess(time.monotonic() - started, PATIENCE_S)
        process._connection.close()


class PathsTest(unittest.TestCase):
    def test_failures_have_codes(self):
        self.assertEqual(porter_paths.code_of(FileNotFoundError(2, "")), "FILE_NOT_FOUND")
        self.assertEqual(porter_paths.code_of(PermissionError(13, "")), "FILE_ACCESS_DENIED")
        self.assertEqual(porter_paths.code_of(OSError(28, "")), "FILE_TOO_LARGE")
        self.assertEqual(porter_paths.code_of(MemoryError()), "FILE_ACCESS_DENIED")


if __name__ == "__main__":
    unittest.main()

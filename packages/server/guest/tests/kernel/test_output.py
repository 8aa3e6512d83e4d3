"""The kernel's sending side over real pipes and a real socket pair."""

import fcntl
import os
import signal
import socket
import threading
import time
import unittest

from _glovebox.kernel.output import Output
from _glovebox.kernel.text_stream import TextStream
from _glovebox.wire import frames
from tests.support import eventually, output_pipe, read_frames, text_of


class OutputTest(unittest.TestCase):
    def setUp(self):
        self.gateway, self.connection = socket.socketpair()
        self.gateway.settimeout(10)
        self.lock = os.memfd_create("lock")
        self.read, self.write = {}, {}
        for name in ("stdout", "stderr"):
            self.read[name], self.write[name] = output_pipe()
        self.output = Output(self.connection, self.lock, dict(self.read))
        self.output.begin(1_000_000)
        self.stdout = TextStream(self.output, "stdout", self.write["stdout"])
        self.stderr = TextStream(self.output, "stderr", self.write["stderr"])

    def tearDown(self):
        self.gateway.close()
        self.connection.close()
        for descriptor in (self.lock, *self.read.values(), *self.write.values()):
            os.close(descriptor)

    def sent(self) -> list[tuple]:
        """What has arrived, shortened: (stream, text) or (type, content)."""
        return [
            (message["content"]["name"], message["content"]["text"])
            if message["msg_type"] == "stream"
            else (message["msg_type"], message["content"])
            for message in read_frames(self.gateway)
        ]

    def other_lock(self) -> int:
        """The lock as the warden has it: another open file description."""
        descriptor = os.open(f"/proc/self/fd/{self.lock}", os.O_RDWR)
        self.addCleanup(os.close, descriptor)
        return descriptor

    def test_text_arrives_before_the_message_that_was_sent_after_it(self):
        self.stdout.write("before")
        self.output.send("display_data", {"n": 1})
        self.stdout.write("after")
        self.output.send("execute_reply", {})
        self.assertEqual(
            self.sent(),
            [
                ("stdout", "before"),
                ("display_data", {"n": 1}),
                ("stdout", "after"),
                ("execute_reply", {}),
            ],
        )

    def test_text_that_bypasses_python_keeps_its_place(self):
        self.stdout.write("python ")
        os.write(self.write["stdout"], b"C code")
        self.output.send("execute_reply", {})
        self.assertEqual(self.sent(), [("stdout", "python C code"), ("execute_reply", {})])

    def test_the_order_between_the_two_streams_is_kept(self):
        for number in range(3):
            self.stdout.write(f"out{number}")
            self.stderr.write(f"err{number}")
        self.output.flush()
        self.assertEqual(
            self.sent(),
            [(f"std{kind}", f"{kind}{number}") for number in range(3) for kind in ("out", "err")],
        )

    def test_a_held_message_leaves_with_the_next_and_in_order(self):
        self.stdout.write("text")
        self.output.hold("execute_result", {"n": 1})
        self.assertEqual(self.sent(), [])
        self.stdout.write("more")
        self.output.send("execute_reply", {})
        self.assertEqual(
            self.sent(),
            [
                ("stdout", "text"),
                ("execute_result", {"n": 1}),
                ("stdout", "more"),
                ("execute_reply", {}),
            ],
        )

    def test_beyond_the_budget_bytes_are_counted_and_not_sent(self):
        self.output.begin(10)
        self.stdout.write("x" * 25)
        self.stderr.write("y" * 4)
        self.output.flush()
        self.stdout.write("z" * 5)
        self.output.flush()
        contents = [message["content"] for message in read_frames(self.gateway)]
        self.assertEqual(
            contents,
            [
                {"name": "stdout", "text": "x" * 10, "dropped_bytes": 15},
                {"name": "stderr", "text": "y" * 4},
                {"name": "stdout", "text": "", "dropped_bytes": 5},
            ],
        )

    def test_each_execution_has_a_budget_of_its_own(self):
        self.output.begin(3)
        self.stdout.write("abcdef")
        self.output.flush()
        self.output.begin(3)
        self.stdout.write("ghi")
        self.output.flush()
        self.assertEqual(self.sent(), [("stdout", "abc"), ("stdout", "ghi")])

    def test_more_text_than_a_pipe_holds_is_written_without_another_reader(self):
        received: list[dict] = []
        reader = frames.FrameReader(self.gateway)

        def gateway():
            while not received or received[-1]["msg_type"] != "execute_reply":
                received.append(reader.read())

        thread = threading.Thread(target=gateway)
        thread.start()
        text = "äöü€\n" * 60_000
        self.stdout.write(text)
        self.output.send("execute_reply", {})
        thread.join()
        self.assertEqual(text_of(received, "stdout"), text)

    def test_a_bundle_that_json_cannot_say_becomes_a_note_on_stderr(self):
        recursive: list = []
        recursive.append(recursive)
        for value in (float("nan"), object(), recursive, {(1, 2): 3}):
            self.output.send("display_data", {"data": {"application/json": value}})
            [(name, text)] = self.sent()
            self.assertEqual(name, "stderr")
            self.assertIn("display_data was left out", text)

    def test_a_bundle_larger_than_a_frame_becomes_a_note_on_stderr(self):
        self.output.send("display_data", {"data": {"text/plain": "x" * frames.FRAME_BYTES_MAX}})
        [(name, text)] = self.sent()
        self.assertEqual(name, "stderr")
        self.assertIn("display_data was left out", text)

    def test_text_that_is_no_utf8_is_escaped_and_bytes_go_through(self):
        self.stdout.write("a\udcffb\ud800")
        self.stdout.buffer.write(b"\xff\x00")
        self.output.flush()
        self.assertEqual(self.sent(), [("stdout", "a\\udcffb\\ud800\xff\x00")])

    def test_a_stream_behaves_as_a_text_file(self):
        self.assertEqual(self.stdout.write("äb"), 2)
        self.assertEqual(self.stdout.buffer.write(b"abc"), 3)
        self.assertEqual(self.stdout.fileno(), self.write["stdout"])
        self.assertFalse(self.stdout.isatty())
        self.assertTrue(self.stdout.writable())
        with self.assertRaises(TypeError):
            self.stdout.write(b"bytes")
        self.stdout.writelines(["c", "d"])
        self.stdout.close()
        self.assertFalse(self.stdout.closed)
        print("e", file=self.stdout, flush=True)
        self.output.flush()
        self.assertEqual(self.sent(), [("stdout", "äbabccde\n".encode().decode("latin-1"))])

    def test_nothing_is_sent_while_another_holds_the_lock(self):
        other = self.other_lock()
        fcntl.flock(other, fcntl.LOCK_EX)
        sender = threading.Thread(target=self.output.send, args=("execute_reply", {}))
        sender.start()
        time.sleep(0.02)
        self.assertEqual(self.sent(), [])
        fcntl.flock(other, fcntl.LOCK_UN)
        sender.join()
        self.assertEqual(self.sent(), [("execute_reply", {})])

    def test_an_interrupt_during_a_send_is_raised_when_the_lock_is_free_again(self):
        def handler(*_):  # As the kernel's.
            self.assertGreater(self.output.busy, 0)
            self.output.interrupt_pending = True

        previous = signal.signal(signal.SIGINT, handler)
        self.addCleanup(signal.signal, signal.SIGINT, previous)
        other = self.other_lock()
        fcntl.flock(other, fcntl.LOCK_EX)

        def interrupt_then_unlock():
            eventually(lambda: self.output.busy > 0)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.02)
            fcntl.flock(other, fcntl.LOCK_UN)

        thread = threading.Thread(target=interrupt_then_unlock)
        thread.start()
        with self.assertRaises(KeyboardInterrupt):
            self.output.send("display_data", {"n": 1})
        thread.join()
        self.assertEqual(self.sent(), [("display_data", {"n": 1})])
        self.assertFalse(self.output.interrupt_pending)
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def test_an_interrupt_while_another_thread_writes_is_not_raised_in_that_thread(self):
        """KeyboardInterrupt belongs to the main thread, which is the one that runs the cell."""
        handled = []
        previous = signal.signal(signal.SIGINT, lambda *_: handled.append(threading.current_thread()))
        self.addCleanup(signal.signal, signal.SIGINT, previous)
        other = self.other_lock()
        fcntl.flock(other, fcntl.LOCK_EX)
        caught = []

        def background():
            try:
                self.output.flush()
            except KeyboardInterrupt:
                caught.append("KeyboardInterrupt in the background thread")

        thread = threading.Thread(target=background)
        thread.start()
        self.assertTrue(eventually(lambda: self.output.busy > 0))
        self.output.interrupt_pending = True  # What the kernel's handler does when it finds busy.
        fcntl.flock(other, fcntl.LOCK_UN)
        thread.join()
        self.assertEqual(caught, [])
        self.assertTrue(eventually(lambda: handled))
        self.assertEqual(handled, [threading.main_thread()])

    def test_threads_that_write_at_once_keep_every_frame_and_every_byte_whole(self):
        received: list[dict] = []
        reader = frames.FrameReader(self.gateway)

        def gateway():
            while not received or received[-1]["msg_type"] != "execute_reply":
                received.append(reader.read())

        def work(letter: str):
            for _ in range(200):
                self.stdout.write(letter * 100)
                self.output.send("display_data", {"by": letter})

        consumer = threading.Thread(target=gateway)
        consumer.start()
        workers = [threading.Thread(target=work, args=(letter,)) for letter in "abc"]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        self.output.send("execute_reply", {})
        consumer.join()
        text = text_of(received, "stdout")
        for letter in "abc":
            self.assertEqual(text.count(letter), 20_000)
            shown = [one for one in received if one["content"].get("by") == letter]
            self.assertEqual(len(shown), 200)

    def test_a_forked_child_that_sends_does_not_break_into_a_frame_of_its_parent(self):
        """The lock's open file description is shared over a fork, so it does not exclude a child: a
        child that knows itself to be one leaves the connection alone."""
        large = "x" * 1_000_000
        pid = os.fork()
        if pid == 0:
            try:
                self.gateway.close()
                self.output.become_child()
                for _ in range(3):
                    self.output.send("display_data", {"data": large, "by": "child"})
            finally:
                os._exit(0)
        received: list[dict] = []
        problems: list[str] = []
        reader = frames.FrameReader(self.gateway)

        def gateway():
            try:
                while not received or received[-1]["msg_type"] != "execute_reply":
                    received.append(reader.read())
            except Exception as problem:
                problems.append(type(problem).__name__)
                self.gateway.shutdown(socket.SHUT_RDWR)

        consumer = threading.Thread(target=gateway)
        consumer.start()
        try:
            for _ in range(3):
                self.output.send("display_data", {"data": large, "by": "parent"})
            os.waitpid(pid, 0)
            self.output.send("execute_reply", {})
        except BrokenPipeError:
            os.waitpid(pid, 0)
        consumer.join()
        self.assertEqual(problems, [])
        parents = [one["content"] for one in received if one["content"].get("by") == "parent"]
        self.assertEqual([len(content["data"]) for content in parents], [len(large)] * 3)


if __name__ == "__main__":
    unittest.main()

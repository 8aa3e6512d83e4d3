"""The kernel as a whole: forked from a prepared one, spoken to in frames over a real connection."""

import time
import unittest

from tests.support import KernelProcess


class KernelTest(unittest.TestCase):
    def setUp(self):
        self.kernel = KernelProcess()
        self.addCleanup(self.kernel.close)

    def test_state_stays_between_cells(self):
        self.kernel.run("a = 20")
        self.assertEqual(self.kernel.run("a += 1; a * 2").value, "42")

    def test_the_first_cell_is_number_1_and_errors_count_too(self):
        counts = [
            self.kernel.run(code).reply["execution_count"] for code in ("1", "1/0", "%pwd", "x =", "2")
        ]
        self.assertEqual(counts, [1, 2, 3, 4, 5])

    def test_output_value_and_reply_come_in_order(self):
        run = self.kernel.run("import sys\nprint('out')\nprint('err', file=sys.stderr)\n7")
        kinds = [message["msg_type"] for message in run.messages]
        self.assertEqual(kinds, ["stream", "stream", "execute_result", "execute_reply"])
        self.assertEqual((run.stdout, run.stderr, run.value), ("out\n", "err\n", "7"))

    def test_files_are_told_for_the_cell_that_made_them(self):
        first = self.kernel.run("open('a.txt', 'w').write('x')").reply
        self.assertEqual((first["files_created"], first["files_modified"]), (["a.txt"], []))
        second = self.kernel.run("open('a.txt', 'w').write('longer')").reply
        self.assertEqual((second["files_created"], second["files_modified"]), ([], ["a.txt"]))
        third = self.kernel.run("1").reply
        self.assertEqual((third["files_created"], third["files_modified"]), ([], []))

    def test_the_output_limit_of_a_cell_is_kept_and_what_is_cut_is_counted(self):
        run = self.kernel.run("print('x' * 5000)", output_bytes_max=100)
        self.assertEqual(run.stdout, "x" * 100)
        dropped = sum(message["content"].get("dropped_bytes", 0) for message in run.messages)
        self.assertEqual(dropped, 4901)

    def test_an_interrupt_ends_the_cell_and_keeps_the_state(self):
        self.kernel.run("kept = 1")
        for code in ("while True: pass", "import time; time.sleep(60)", "!sleep 60"):
            with self.subTest(code=code):
                self.kernel.start("print('started')\n" + code)
                self.wait_for_running()
                self.kernel.interrupt()
                self.assertIn(self.kernel.finish().status, ("interrupted", "ok"))
        self.assertEqual(self.kernel.run("kept").value, "1")

    def wait_for_running(self) -> None:
        time.sleep(0.1)

    def test_an_interrupted_cell_is_told_as_such(self):
        self.kernel.start("while True: pass")
        self.wait_for_running()
        self.kernel.interrupt()
        run = self.kernel.finish()
        self.assertEqual(run.status, "interrupted")
        self.assertEqual(run.reply["error"]["ename"], "KeyboardInterrupt")

    def test_an_interrupt_that_overtakes_its_cell_is_not_lost(self):
        self.kernel.run("kept = 1")
        for _ in range(10):
            started = time.monotonic()
            self.kernel.start("import time; time.sleep(30)")
            self.kernel.interrupt()
            run = self.kernel.finish()
            self.assertEqual(run.status, "interrupted")
            self.assertEqual(run.reply["error"]["ename"], "KeyboardInterrupt")
            self.assertLess(time.monotonic() - started, 10)
        self.assertEqual(self.kernel.run("kept").value, "1")

    def test_an_interrupt_is_told_as_such_wherever_between_request_and_end_it_comes(self):
        for code in ("pass", "import sys", "%time 1", "1/0"):
            for step in range(25):
                with self.subTest(code=code, step=step):
                    self.kernel.start(code)
                    time.sleep(step * 40e-6)
                    self.kernel.interrupt()
                    run = self.kernel.finish()
                    error = run.reply.get("error") or {}
                    wanted = {
                        "interrupted": "KeyboardInterrupt",
                        "error": "ZeroDivisionError",
                        "ok": None,
                    }
                    self.assertEqual(error.get("ename"), wanted[run.status])
        self.assertEqual(self.kernel.run("1 + 1").value, "2")

    def test_an_interrupt_between_cells_does_nothing(self):
        self.kernel.run("kept = 1")
        self.kernel.interrupt()
        self.wait_for_running()
        self.assertEqual(self.kernel.run("kept").value, "1")

    def test_closed_and_redirected_descriptors_are_repaired_for_the_next_cell(self):
        for code in (
            "import os; os.close(1); os.close(2)",
            "import os; os.dup2(os.open('/dev/null', os.O_WRONLY), 1)",
            "import sys; sys.stdout.close(); sys.stderr.close()",
        ):
            self.kernel.run(code)
            run = self.kernel.run("print('still here')\n!echo and here")
            self.assertEqual(run.stdout, "still here\nand here\n", code)

    def test_nobody_can_answer_input(self):
        run = self.kernel.run("input('name? ')")
        self.assertEqual(run.reply["error"]["ename"], "EOFError")
        self.assertEqual(self.kernel.run("import sys; sys.stdin.read()").value, "''")

    def test_nothing_of_the_parents_environment_is_left(self):
        run = self.kernel.run("import os\nsorted(os.environ)")
        self.assertNotIn("MPLCONFIGDIR", run.value)
        self.assertEqual(self.kernel.run("os.getcwd()").value, "'/workspace'")

    def test_a_process_pool_works_and_its_output_arrives(self):
        run = self.kernel.run(
            "import multiprocessing\n"
            "def square(n):\n"
            "    print('work', n)\n"
            "    return n * n\n"
            "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
            "    print(pool.map(square, range(4)))\n"
        )
        self.assertEqual(run.status, "ok", run.reply)
        self.assertIn("[0, 1, 4, 9]", run.stdout)
        self.assertEqual(run.stdout.count("work"), 4)

    def test_a_process_pool_that_prints_much_on_both_streams_keeps_the_channel_whole(self):
        run = self.kernel.run(
            "import multiprocessing, sys\n"
            "def work(n):\n"
            # As much as the pipes hold: here is no warden that would empty them.
            "    print('\\u00e9' * 3000)\n"
            "    print('x', file=sys.stderr)\n"
            "    print('\\u00e9' * 3000)\n"
            "with multiprocessing.get_context('fork').Pool(4) as pool:\n"
            "    done = pool.map(work, range(3))\n",
            output_bytes_max=10_000_000,
        )
        self.assertEqual(run.status, "ok")
        self.assertEqual(run.stdout.count("\u00e9"), 3 * 6000)
        self.assertEqual(run.stderr.count("x"), 3)

    def test_a_forked_child_that_exits_leaves_answering_to_its_parent(self):
        self.kernel.set_patience(3)
        run = self.kernel.run(
            "import os, sys\n"
            "pid = os.fork()\n"
            "if pid == 0:\n"
            "    sys.exit(7)\n"
            "print('child exited with', os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"
        )
        self.assertEqual(run.stdout, "child exited with 7\n")

    def test_an_error_that_fills_more_than_a_frame_still_ends_the_cell(self):
        self.kernel.set_patience(3)
        run = self.kernel.run(
            "problem = None\n"
            "for n in range(150):\n"
            "    try:\n"
            "        raise ValueError('\\N{GRINNING FACE}' * 60000) from problem\n"
            "    except ValueError as caught:\n"
            "        problem = caught\n"
            "raise problem"
        )
        self.assertEqual(run.status, "error")

    def test_very_long_names_of_many_files_still_end_the_cell(self):
        self.kernel.set_patience(3)
        run = self.kernel.run(
            "import os\n"
            "path = '/workspace'\n"
            "for _ in range(14):\n"
            "    path += '/' + '\\udcff' * 250\n"
            "    os.mkdir(path)\n"
            "for n in range(1000):\n"
            "    open(f'{path}/{n}', 'w').close()"
        )
        self.assertEqual(run.status, "ok")

    def test_figures_are_shown_as_png_and_do_not_pile_up(self):
        plot = "import matplotlib.pyplot as plt\nlines = plt.plot([1, 2])"
        for _ in range(2):
            run = self.kernel.run(plot)
            shown = [one for one in run.messages if one["msg_type"] == "display_data"]
            self.assertEqual(len(shown), 1)
            self.assertTrue(shown[0]["content"]["data"]["image/png"].startswith("iVBOR"))
        self.assertEqual(self.kernel.run("plt.get_fignums()").value, "[]")

    def test_a_kernel_ends_when_its_connection_does(self):
        kernel = KernelProcess()
        self.assertEqual(kernel.disconnect(), 0)

    def test_a_broken_pipe_is_an_error_and_not_a_death(self):
        run = self.kernel.run("import os\nr, w = os.pipe()\nos.close(r)\nos.write(w, b'x')")
        self.assertEqual(run.reply["error"]["ename"], "BrokenPipeError")


if __name__ == "__main__":
    unittest.main()

"""Against a real server, which GLOVEBOX_URL and GLOVEBOX_TOKEN name."""

import asyncio
import io
import os
import tempfile
import threading
import time
import unittest
from contextlib import redirect_stderr
from pathlib import Path

import glovebox
from glovebox import AsyncClient, Client, CodeError, GloveboxError, code_interpreter_tool

from .test_results import SOURCE


class ServerCase(unittest.TestCase):
    def setUp(self):
        self.client = Client()
        self.addCleanup(self.client.close)
        self.session = self.client.create_session()
        self.addCleanup(self.session.release)


class Sessions(ServerCase):
    def test_keep_what_was_defined_and_end_with_their_block(self):
        with self.client.create_session(memory_limit="128m", cpu_limit=0.25, ttl=90) as session:
            session.run("x = 20")
            self.assertEqual(session.run("x + 22").text, "42\n")
            info = session.info()
            self.assertEqual((info.ttl, info.execution_count), (90, 2))
            self.assertEqual(info.limits, {"memory_bytes": 128 << 20, "cpus": 0.25})
            self.assertIn(session.id, [one.session_id for one in self.client.sessions()])
        with self.assertRaises(glovebox.NotFoundError):
            session.info()
        session.release()

    def test_start_afresh_after_a_reset(self):
        self.session.run("x = 1")
        self.session.reset()
        self.assertEqual(self.session.run("x").error["ename"], "NameError")

    def test_answer_what_an_editor_asks(self):
        self.session.run("frame = [1, 2]")
        self.assertIn("frame", self.session.complete("fra").matches)
        self.assertTrue(self.session.inspect("len").found)
        self.assertEqual(self.session.is_complete("for x in y:").status, "incomplete")
        self.assertEqual([one["name"] for one in self.session.variables().variables], ["frame"])
        self.assertEqual(self.session.keep_alive(ttl=33).ttl, 33)


class Runs(ServerCase):
    def test_a_failure_is_an_answer_until_an_error_is_asked_for(self):
        result = self.client.run("1 / 0")
        self.assertEqual((result.ok, result.exit_code), (False, 1))
        with self.assertRaisesRegex(CodeError, "ZeroDivisionError: division by zero"):
            result.raise_for_error()

    def test_a_timeout_is_an_answer(self):
        self.assertEqual(self.client.run("while True: pass", timeout=0.3).status, "timeout")

    def test_take_files_input_arguments_and_give_files(self):
        result = self.client.run(
            "import sys, os\nprint(open('in/a').read(), input(), sys.argv, os.environ['K'])\n"
            "open('out', 'wb').write(b'\\xff')",
            files={"in/a": "text"},
            stdin="line\n",
            argv=["p", "q"],
            env={"K": "v"},
            include_files=True,
        )
        self.assertEqual(result.stdout, "text line ['p', 'q'] v\n")
        self.assertEqual(result.file_bytes, {"out": b"\xff"})

    def test_figures_are_images(self):
        result = self.session.run("import matplotlib.pyplot as plt\nplt.plot([1, 4, 9]);")
        (image,) = result.images
        self.assertEqual(image.format, "PNG")
        self.assertGreater(image.width, 300)
        self.assertEqual(result.charts[0]["axes"][0]["series"][0]["y"], [1, 4, 9])
        with tempfile.TemporaryDirectory() as folder:
            result.save_image(os.path.join(folder, "a.png"))
            self.assertEqual(Path(folder, "a.png").read_bytes(), result.image_bytes()[0][1])

    def test_a_wrong_token(self):
        with Client(token="wrong") as stranger:
            with self.assertRaises(glovebox.AuthenticationError):
                stranger.run("1")
            self.assertEqual(stranger.health().status, "healthy")


class Streams(ServerCase):
    def test_give_output_while_the_code_runs(self):
        code = "import time\nprint('first', flush=True)\ntime.sleep(1.5)\nprint('second')"
        seen = {}
        with self.session.stream(code) as run:
            for event in run:
                seen.setdefault(event.text.strip(), time.monotonic())
        self.assertGreater(seen["second"] - seen["first"], 0.7)
        self.assertEqual(run.result().stdout, "first\nsecond\n")

    def test_that_are_left_interrupt_their_run(self):
        self.session.run("kept = 1")
        with self.session.stream("print('on')\nimport time\ntime.sleep(25)") as run:
            for event in run:
                if event.type == "stream":
                    break
        begin = time.monotonic()
        self.assertEqual(self.session.run("kept").text, "1\n")
        self.assertLess(time.monotonic() - begin, 10)

    def test_ask_for_input(self):
        asked = []

        def answer(prompt, password):
            asked.append((prompt, password))
            return {"name? ": "Ada", "secret? ": "s"}[prompt]

        code = "from getpass import getpass\nprint(input('name? '), getpass('secret? '))"
        with self.session.stream(code, on_input=answer) as run:
            result = run.result()
        self.assertEqual(result.stdout.split("\n")[-2], "Ada s")
        self.assertEqual(asked, [("name? ", False), ("secret? ", True)])

    def test_of_a_run_that_goes_on_can_be_followed_and_interrupted(self):
        code = "import time\nprint('on', flush=True)\ntime.sleep(30)"
        with self.session.stream(code, on_disconnect="continue") as left:
            next(event for event in left if event.type == "stream")
        (running,) = self.session.executions()
        self.assertEqual((running.execution_id, running.state), (1, "running"))
        with self.session.follow(1) as following:
            for event in following:
                if event.type == "stream":
                    self.assertEqual(self.session.interrupt().execution_id, 1)
                    break
            self.assertEqual(following.result().status, "interrupted")
        self.assertEqual(self.session.execution(1).result.stdout, "on\n")
        with self.assertRaisesRegex(GloveboxError, "NOTHING_RUNNING"):
            self.session.interrupt()

    def test_a_program_that_is_interrupted_interrupts_its_run(self):
        failures = []

        def sleep():
            try:
                with Client() as other:
                    other.session(self.session.id).run("import time\ntime.sleep(20)", timeout=25)
            except Exception as error:
                failures.append(error)

        thread = threading.Thread(target=sleep)
        thread.start()
        for _ in range(100):
            if self.session.info().state == "busy":
                break
            time.sleep(0.05)
        time.sleep(0.3)
        self.session.interrupt()
        thread.join(10)
        self.assertEqual((thread.is_alive(), failures), (False, []))


class Files(ServerCase):
    def test_go_in_and_out(self):
        files = self.session.files
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder, "big.bin")
            local.write_bytes(os.urandom(3 << 20))
            self.assertEqual(files.write("d/big.bin", local).size, 3 << 20)
            self.assertEqual(files.download("d/big.bin", folder + "/copy"), Path(folder, "copy"))
            self.assertEqual(Path(folder, "copy").read_bytes(), local.read_bytes())
            self.assertEqual(files.read("d/big.bin", start=5, end=9), local.read_bytes()[5:9])
            files.archive(Path(folder, "a.tar"))
            import tarfile

            with tarfile.open(Path(folder, "a.tar")) as archive:
                self.assertIn("d/big.bin", [name.lstrip("./") for name in archive.getnames()])
            with self.assertRaises(glovebox.NotFoundError):
                files.download("none", folder)
            self.assertEqual(sorted(os.listdir(folder)), ["a.tar", "big.bin", "copy"])

    def test_are_listed_moved_and_deleted(self):
        files = self.session.files
        files.upload({"a ü#?.txt": "text", "b/c": b"\x00"})
        files.mkdir("e")
        self.assertEqual(files.read_text("a ü#?.txt"), "text")
        self.assertEqual(files.stat("b/c").size, 1)
        files.rename("b/c", "e/d")
        files.delete("b", recursive=True)
        paths = [one.path for one in files.list(recursive=True)]
        self.assertEqual(sorted(paths), ["a ü#?.txt", "e", "e/d"])

    def test_changes_are_watched(self):
        self.session.run("1")
        changes = self.session.files.watch()
        timer = threading.Timer(0.5, self.session.run, ["open('new', 'w').close()"])
        timer.start()
        try:
            event = next(changes)
            self.assertEqual((event.data["path"], event.data["change"]), ("new", "created"))
        finally:
            changes.close()
            timer.join()

    def test_tables_are_those_of_pandas(self):
        """Where pandas certainly is: in a sandbox, which is given this package."""
        package = {
            f"glovebox/{path.relative_to(SOURCE / 'glovebox')}": path
            for path in (SOURCE / "glovebox").rglob("*.py")
        }
        here = Path(__file__).parent
        self.session.files.upload({**package, "tables.py": here / "in_sandbox.py"})
        result = self.session.run("import tables\ntables.run()")
        self.assertRegex(result.text, r"Ran [3-9] tests in [\d.]+s\s+OK\n")


class Notebooks(ServerCase):
    def test_run_cell_by_cell(self):
        def cell(source):
            return {"cell_type": "code", "source": source, "metadata": {}, "outputs": []}

        cells = [cell("x = 6"), cell("x * 7"), cell("1 / 0"), cell("never")]
        notebook = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}
        ran = self.session.run_notebook(notebook)
        self.assertEqual((ran.status, ran.executions), ("error", [1, 2, 3]))
        self.assertEqual(ran.notebook["cells"][1]["outputs"][0]["data"]["text/plain"], "42")
        with self.session.stream_notebook({**notebook, "cells": cells[:2]}) as run:
            types = [event.type for event in run]
        self.assertEqual((types.count("cell"), types[-1]), (4, "result"))
        self.assertEqual(len(self.session.notebook()["cells"]), 5)


class Batches(ServerCase):
    def test_answer_in_order_and_show_how_far_they_are(self):
        items = ["print(1)", {"code": "print(input())", "stdin": "in", "id": "b"}, "1 / 0"]
        shown = io.StringIO()
        with redirect_stderr(shown):
            batch = self.client.batch(items, progress=True)
        self.assertEqual((batch.ok, batch.failed, batch.not_run), (2, 1, 0))
        self.assertEqual([one.result.stdout for one in batch[:2]], ["1\n", "in\n"])
        self.assertEqual(batch[1].id, "b")
        self.assertIn("3/3", shown.getvalue())

    def test_stop_on_the_first_error(self):
        with self.client.stream_batch(["1 / 0", "2"], concurrency=1, stop_on="error") as run:
            states = [event.data["state"] for event in run if event.type == "item"]
        self.assertEqual(states, ["done", "skipped"])


class Admins(unittest.TestCase):
    def test_make_keys_look_and_stop_everything(self):
        with Client() as client:
            admin = client.admin
            made = admin.keys.create("python", quotas={"sessions": 3})
            with Client(token=made.key) as reports:
                self.assertEqual(reports.run("6 * 7").text, "42\n")
                with self.assertRaises(glovebox.AuthenticationError):
                    reports.admin.status()
            self.assertIn(made.id, [one.id for one in admin.keys.list()])
            admin.keys.revoke(made.id)
            self.assertGreater(admin.status().pool["leases_max"], 0)
            self.assertEqual(admin.security_health().status, "verified")
            session = client.create_session()
            ids = [one.id for one in admin.containers() if one.session_id == session.id]
            self.assertEqual(admin.kill_container(ids[0]).status, "killed")
            self.assertEqual(admin.end_sessions(session.id).status, "ended")

    def test_panic_and_resume(self):
        with Client() as client:
            try:
                self.assertTrue(client.admin.panic("a drill").verified)
                with self.assertRaisesRegex(glovebox.CapacityError, "PANICKED"):
                    client.run("1")
                self.assertEqual(client.health().status, "panicked")
            finally:
                self.assertTrue(client.admin.resume().was_panicked)
            self.assertTrue(client.run("1").ok)


class AsyncClients(unittest.IsolatedAsyncioTestCase):
    async def test_run_many_things_at_once(self):
        async with AsyncClient() as client:
            runs = [client.run(f"{number} ** 2") for number in range(4)]
            texts = [result.text for result in await asyncio.gather(*runs)]
            self.assertEqual(texts, ["0\n", "1\n", "4\n", "9\n"])
            async with await client.create_session() as session:
                await session.files.write("a", b"bytes")
                self.assertEqual(await session.files.read("a"), b"bytes")

                async def answer(prompt, password):
                    return "Ada"

                async with session.stream("print(input())", on_input=answer) as run:
                    types = [event.type async for event in run]
                self.assertIn("input_request", types)
                self.assertEqual((await run.result()).stdout.split("\n")[-2], "Ada")

    async def test_a_task_that_is_cancelled_interrupts_its_run(self):
        async with AsyncClient() as client, await client.create_session() as session:
            await session.run("kept = 1")
            task = asyncio.create_task(session.run("import time\ntime.sleep(25)"))
            while (await session.info()).state != "busy":
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.3)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            begin = time.monotonic()
            self.assertEqual((await session.run("kept")).text, "1\n")
            self.assertLess(time.monotonic() - begin, 10)

    async def test_the_tool_of_a_model(self):
        result = await code_interpreter_tool("print(6 * 7)", timeout=5)
        self.assertEqual(result["stdout"], "42\n")
        with self.assertRaises(GloveboxError):
            await code_interpreter_tool(3)

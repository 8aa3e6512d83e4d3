"""What is asked for, how often, and what errors come of it."""

import asyncio
import json
import os
import pickle
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import glovebox
from glovebox import AsyncClient, Client, GloveboxError

from .stub import RESULT, Stub, error

SESSION = {"session_id": "s"}


def client_of(stub: Stub, **options) -> Client:
    return Client(stub.url, "token", **options)


class Settings(unittest.TestCase):
    def test_come_from_arguments_then_from_the_environment(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("from-file\n")
            file.flush()
            environment = {"GLOVEBOX_URL": "http://a:1/x/", "GLOVEBOX_TOKEN_FILE": file.name}
            with mock.patch.dict(os.environ, environment):
                os.environ.pop("GLOVEBOX_TOKEN", None)
                settings = Client()._settings
                self.assertEqual((settings.base_url, settings.token), ("http://a:1/x", "from-file"))
                with mock.patch.dict(os.environ, {"GLOVEBOX_TOKEN": "told"}):
                    self.assertEqual(Client()._settings.token, "told")
                    self.assertEqual(Client("https://b", "own")._settings.token, "own")

    def test_that_could_never_work_are_refused(self):
        for url in ("127.0.0.1:8000", "ftp://a", "http://", "http://name:secret@a", "http://[::1"):
            with self.subTest(url), self.assertRaises(GloveboxError) as caught:
                Client(url)
            self.assertEqual(caught.exception.code, "INVALID_ARGUMENT")
            self.assertNotIn("secret", str(caught.exception))
        for options in ({"token": "a b"}, {"timeout": 0}, {"retries": -1}):
            with self.subTest(options), self.assertRaises(GloveboxError):
                Client(**options)

    def test_a_token_file_that_cannot_be_read_is_named(self):
        with mock.patch.dict(os.environ, {"GLOVEBOX_TOKEN_FILE": "/nowhere"}):
            os.environ.pop("GLOVEBOX_TOKEN", None)
            with self.assertRaisesRegex(GloveboxError, "/nowhere.*No such file"):
                Client()


class Repeating(unittest.TestCase):
    def test_what_only_looks_is_asked_again_after_a_broken_connection(self):
        with Stub(None, (200, SESSION)) as stub, client_of(stub) as client:
            self.assertEqual(client.session("s").info()["session_id"], "s")
            self.assertEqual(len(stub.asked), 2)

    def test_a_run_that_may_have_begun_is_never_sent_again(self):
        with Stub(None, (200, RESULT)) as stub, client_of(stub) as client:
            with self.assertRaises(glovebox.ConnectionError) as caught:
                client.run("1")
            self.assertEqual(caught.exception.code, "CONNECTION_FAILED")
            self.assertIsInstance(caught.exception, ConnectionError)
            self.assertEqual(len(stub.asked), 1)

    def test_a_run_is_sent_again_where_nothing_was_run(self):
        busy = (503, error("POOL_EXHAUSTED", retry_after_ms=10))
        with Stub(busy, (200, RESULT)) as stub, client_of(stub) as client:
            self.assertTrue(client.run("1").ok)
            self.assertEqual(len(stub.asked), 2)

    def test_no_wait_is_asked_for_or_too_long_a_one(self):
        for told in (error("POOL_EXHAUSTED"), error("SESSION_BUSY", retry_after_ms=31_000)):
            with self.subTest(told), Stub((503, told)) as stub, client_of(stub) as client:
                with self.assertRaises(glovebox.CapacityError):
                    client.run("1")

    def test_a_panic_is_told_at_once(self):
        with Stub((503, error("PANICKED"))) as stub, client_of(stub) as client:
            with self.assertRaises(glovebox.CapacityError):
                client.sessions()

    def test_the_second_delete_may_find_nothing(self):
        gone = (404, error("SESSION_NOT_FOUND"))
        with Stub(None, gone) as stub, client_of(stub) as client:
            client.session("s").delete()
        with Stub(gone) as stub, client_of(stub) as client:
            with self.assertRaises(glovebox.NotFoundError):
                client.session("s").delete()

    def test_an_upload_from_a_path_is_sent_once(self):
        busy = (429, error("TOO_MANY_TRANSFERS", retry_after_ms=1))
        with Stub(busy) as stub, client_of(stub) as client:
            with self.assertRaises(glovebox.RateLimitError):
                client.session("s").files.write("a", Path(__file__))
            self.assertEqual(stub.asked[0]["body"], Path(__file__).read_bytes())

    def test_the_async_client_does_the_same(self):
        async def ask(stub):
            async with AsyncClient(stub.url, "token") as client:
                self.assertEqual((await client.session("s").info())["session_id"], "s")
                with self.assertRaises(glovebox.ConnectionError):
                    await client.run("1")

        with Stub(None, (200, SESSION), None) as stub:
            asyncio.run(ask(stub))
            self.assertEqual([one["method"] for one in stub.asked], ["GET", "GET", "POST"])


class Errors(unittest.TestCase):
    def test_have_the_class_of_their_status_and_all_that_was_told(self):
        told = error("UNAUTHENTICATED", hint="Send it.")
        with Stub((401, told)) as stub, client_of(stub) as client:
            with self.assertRaises(glovebox.AuthenticationError) as caught:
                client.run("1")
        problem = caught.exception
        self.assertEqual(str(problem), "UNAUTHENTICATED Send it. [UNAUTHENTICATED]")
        self.assertEqual((problem.status, problem.request_id), (401, "r"))

    def test_go_from_process_to_process(self):
        problem = glovebox.RateLimitError("QUOTA_EXCEEDED", "m", hint="h", retry_after=1.5)
        copy = pickle.loads(pickle.dumps(problem))
        self.assertIs(type(copy), glovebox.RateLimitError)
        self.assertEqual(copy.__dict__, problem.__dict__)

    def test_of_others_are_no_errors_of_glovebox(self):
        for answer in ((502, b"<html>"), (200, b"[]"), (200, b"")):
            with self.subTest(answer), Stub(answer) as stub, client_of(stub) as client:
                with self.assertRaises(GloveboxError) as caught:
                    client.run("1")
                self.assertEqual(caught.exception.code, "INVALID_RESPONSE")

    def test_no_redirect_is_followed(self):
        with Stub() as other, Stub((307, b"", {"location": other.url})) as stub:
            with client_of(stub) as client, self.assertRaises(GloveboxError):
                client.sessions()
            self.assertEqual(other.asked, [])

    def test_a_server_that_is_silent_or_not_there(self):
        import socket

        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"http://127.0.0.1:{silent.getsockname()[1]}"
            with Client(url, timeout=0.1, retries=0) as client:
                with self.assertRaises(glovebox.TimeoutError) as caught:
                    client.health()
            self.assertIsInstance(caught.exception, TimeoutError)
        with Client(url, retries=0) as client, self.assertRaises(glovebox.ConnectionError):
            client.health()


class Asking(unittest.TestCase):
    def test_arguments_become_the_fields_of_the_wire(self):
        with Stub((200, RESULT)) as stub, client_of(stub) as client:
            files = {"a.txt": "text", "/workspace/b": b"\xff"}
            client.run("1", session_id="s", timeout=2, files=files, memory_limit="64m")
        body = json.loads(stub.asked[0]["body"])
        self.assertEqual(
            body,
            {
                "code": "1",
                "session_id": "s",
                "timeout": 2,
                "memory_limit": "64m",
                "files": [
                    {"path": "a.txt", "content": "text"},
                    {"path": "b", "content": "/w==", "encoding": "base64"},
                ],
            },
        )
        self.assertEqual(stub.asked[0]["headers"]["authorization"], "Bearer token")

    def test_names_that_would_lead_elsewhere_are_refused_before_anything_is_sent(self):
        with Stub() as stub, client_of(stub) as client:
            files = client.session("s").files
            for ask in (
                lambda: client.session(".."),
                lambda: client.session("a/b"),
                lambda: files.read("a/../../b"),
                lambda: files.read("/etc/passwd"),
                lambda: files.write("a", 3),
                lambda: client.run(3),
                lambda: client.session("s").execution(0),
                lambda: client.run("1", timeout=float("nan")),
                lambda: client.run("1", unknown={1, 2}),
                lambda: client.stream("1", on_input=lambda prompt, password: ""),
            ):
                with self.assertRaises(GloveboxError) as caught:
                    ask()
                self.assertEqual(caught.exception.code, "INVALID_ARGUMENT")
            self.assertEqual(stub.asked, [])

    def test_the_client_waits_as_long_as_the_run_may_take(self):
        from glovebox._requests import WAIT, answer_time

        self.assertEqual(answer_time(120), 120 + WAIT)
        self.assertIsNone(answer_time(None))

    def test_many_items_become_several_requests_in_their_order(self):
        from glovebox._requests import split_items

        items = [{"code": str(number)} for number in range(7)]
        self.assertEqual(
            [(start, len(part)) for start, part in split_items(items, 3, 10_000)],
            [(0, 3), (3, 3), (6, 1)],
        )
        self.assertEqual([len(part) for _, part in split_items(items, 100, 30)], [2, 2, 2, 1])
        self.assertEqual(split_items([], 3, 100), [])

"""Events, and how a stream goes on when its connection breaks."""

import asyncio
import unittest

import glovebox
from glovebox import AsyncClient, Client, GloveboxError
from glovebox._sse import SseParser

from .stub import RESULT, STREAM, Stub, error, events

BEGUN = ("execution", {"execution_id": 4, "session_id": "s"})


def printed(text):
    return ("stream", {"name": "stdout", "text": text})


class Parsing(unittest.TestCase):
    TEXT = "\ufeffid: 1\r\nevent: a\rdata: x\ndata:y €𝄞\n\n: heartbeat\n\ndata: {}\r\n\r\n"

    def test_pieces_may_be_cut_anywhere(self):
        whole = [("1", "a", "x\ny €𝄞"), ("1", "message", "{}")]
        data = self.TEXT.encode()
        for size in range(1, len(data)):
            parser = SseParser()
            pieces = [data[at : at + size] for at in range(0, len(data), size)]
            self.assertEqual([one for piece in pieces for one in parser.push(piece)], whole)

    def test_half_a_message_is_none(self):
        self.assertEqual(SseParser().push(b"data: x\n"), [])


class Streams(unittest.TestCase):
    def test_give_events_and_the_result(self):
        told = events(BEGUN, printed("a"), ("new_kind", {}), ("result", RESULT))
        with Stub((200, told, STREAM)) as stub, Client(stub.url) as client:
            with client.stream("1") as run:
                self.assertEqual([event.type for event in run], ["execution", "stream", "result"])
            self.assertTrue(run.result().ok)

    def test_are_taken_up_again_without_a_second_run_or_a_gap(self):
        first = events(BEGUN, printed("a"))
        then = events(printed("a"), printed("b"), ("result", RESULT), first_id=2)
        with Stub((200, first, STREAM), (200, then, STREAM)) as stub, Client(stub.url) as client:
            run = client.session("s").stream("1", on_disconnect="continue")
            texts = [event.text for event in run if event.type == "stream"]
        self.assertEqual(texts, ["a", "b"])
        self.assertEqual(
            [(one["method"], one["path"]) for one in stub.asked],
            [("POST", "/execute"), ("GET", "/sessions/s/executions/4/events")],
        )
        self.assertEqual(stub.asked[1]["headers"]["last-event-id"], "2")

    def test_that_break_say_so_where_their_run_does_not_go_on(self):
        with Stub((200, events(BEGUN), STREAM)) as stub, Client(stub.url) as client:
            run = client.session("s").stream("1")
            with self.assertRaises(glovebox.ConnectionError):
                run.result()
            with self.assertRaises(glovebox.ConnectionError):
                run.result()
            self.assertEqual(len(stub.asked), 1)

    def test_a_failure_is_raised(self):
        told = events(BEGUN, ("failure", error("SESSION_NOT_FOUND")))
        with Stub((200, told, STREAM)) as stub, Client(stub.url) as client:
            with self.assertRaises(glovebox.NotFoundError):
                client.stream("1").result()

    def test_that_were_left_have_no_result(self):
        told = events(BEGUN, printed("a"), ("result", RESULT))
        with Stub((200, told, STREAM)) as stub, Client(stub.url) as client:
            with client.stream("1") as run:
                next(run)
            with self.assertRaises(GloveboxError) as caught:
                run.result()
        self.assertEqual(caught.exception.code, "STREAM_CLOSED")

    def test_what_is_no_stream_is_refused(self):
        answers = ((200, RESULT), (200, b"event: stream\ndata: [\n\n", STREAM))
        for answer in answers:
            with self.subTest(answer), Stub(answer) as stub, Client(stub.url) as client:
                with self.assertRaises(GloveboxError) as caught:
                    client.stream("1").result()
                self.assertEqual(caught.exception.code, "INVALID_RESPONSE")

    def test_the_async_client_does_the_same(self):
        async def follow(stub):
            async with AsyncClient(stub.url) as client:
                async with client.session("s").stream("1", on_disconnect="continue") as run:
                    texts = [event.text async for event in run]
                self.assertEqual(texts, ["", "a", "b", ""])

        first = events(BEGUN, printed("a"))
        then = events(printed("b"), ("result", RESULT), first_id=3)
        with Stub((200, first, STREAM), (200, then, STREAM), (204, b"")) as stub:
            asyncio.run(follow(stub))

"""The wire format, over real socket pairs."""

import json
import socket
import struct
import threading
import unittest

from _glovebox.wire import frames


def raw_frame(body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + body


class FramesTest(unittest.TestCase):
    def setUp(self):
        self.near, self.far = socket.socketpair()
        self.near.settimeout(5)
        self.reader = frames.FrameReader(self.near)

    def tearDown(self):
        self.near.close()
        self.far.close()

    def test_a_message_survives_the_round_trip(self):
        message = {"msg_type": "x", "content": {"text": "ä\0€😀\n", "n": [1, -2.5, None, True]}}
        self.far.sendall(frames.encode(message))
        self.assertEqual(self.reader.read(), message)

    def test_a_frame_is_a_big_endian_length_and_ascii_json(self):
        self.assertEqual(frames.encode({"a": "ä"}), b'\x00\x00\x00\x0e{"a":"\\u00e4"}')

    def test_lone_surrogates_survive_the_round_trip(self):
        message = {"path": "file-\udcff", "high": "\ud800"}
        self.far.sendall(frames.encode(message))
        self.assertEqual(self.reader.read(), message)

    def test_a_frame_split_at_every_byte_is_read(self):
        message = {"content": "split"}

        def dribble():
            for byte in frames.encode(message):
                self.far.sendall(bytes([byte]))

        sender = threading.Thread(target=dribble)
        sender.start()
        self.assertEqual(self.reader.read(), message)
        sender.join()

    def test_many_frames_in_one_chunk_come_one_by_one_and_in_order(self):
        self.far.sendall(b"".join(frames.encode({"n": n}) for n in range(100)))
        self.assertEqual([self.reader.read()["n"] for _ in range(100)], list(range(100)))

    def test_read_available_returns_the_complete_frames_and_keeps_the_rest(self):
        data = b"".join(frames.encode({"n": n}) for n in range(3))
        self.far.sendall(data[:-2])
        self.assertEqual(self.reader.read_available(), [{"n": 0}, {"n": 1}])
        self.far.sendall(data[-2:])
        self.assertEqual(self.reader.read_available(), [{"n": 2}])

    def test_a_large_frame_is_read_whole(self):
        message = {"text": "x" * 3_000_000}
        sender = threading.Thread(target=self.far.sendall, args=(frames.encode(message),))
        sender.start()
        self.assertEqual(self.reader.read(), message)
        sender.join()

    def test_a_length_over_the_cap_is_refused_before_its_body_is_awaited(self):
        self.far.sendall(struct.pack(">I", frames.FRAME_BYTES_MAX + 1))
        with self.assertRaises(frames.FrameTooLarge):
            self.reader.read()

    def test_a_message_over_the_cap_is_not_encoded(self):
        overhead = len(frames.encode({"t": ""})) - 4
        frames.encode({"t": "x" * (frames.FRAME_BYTES_MAX - overhead)})
        with self.assertRaises(frames.FrameTooLarge):
            frames.encode({"t": "x" * (frames.FRAME_BYTES_MAX - overhead + 1)})

    def test_values_that_are_no_object_are_refused(self):
        for value in ([], "text", 1, None, True):
            with self.subTest(value=value):
                self.far.sendall(raw_frame(json.dumps(value).encode()))
                with self.assertRaises(ValueError):
                    self.reader.read()

    def test_what_is_not_utf8_json_is_refused(self):
        for body in (b"", b"{", b"{'a':1}", b'{"a":1}x', b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}'):
            with self.subTest(body=body[:20]):
                self.far.sendall(raw_frame(body))
                with self.assertRaises(ValueError):
                    self.reader.read()

    def test_json_nested_too_deeply_is_refused_like_other_bad_json(self):
        self.far.sendall(raw_frame(b"[" * 100_000))
        with self.assertRaises(ValueError):
            self.reader.read()

    def test_a_bad_frame_does_not_take_the_next_one_along(self):
        self.far.sendall(raw_frame(b"nonsense") + frames.encode({"n": 1}))
        with self.assertRaises(ValueError):
            self.reader.read()
        self.assertEqual(self.reader.read(), {"n": 1})

    def test_not_a_number_and_foreign_values_are_not_encoded(self):
        for value in (float("nan"), float("inf"), -float("inf")):
            with self.assertRaises(ValueError):
                frames.encode({"v": value})
        for value in (b"bytes", {1, 2}, object()):
            with self.assertRaises(TypeError):
                frames.encode({"v": value})

    def test_the_end_of_the_connection_is_told_also_inside_a_frame(self):
        self.far.sendall(frames.encode({"n": 1})[:-1])
        self.far.close()
        with self.assertRaises(frames.ChannelClosed):
            self.reader.read()
        with self.assertRaises(frames.ChannelClosed):
            self.reader.read_available()


if __name__ == "__main__":
    unittest.main()

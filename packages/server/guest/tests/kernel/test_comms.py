"""What widgets and a front end say to each other. Each test has a forked kernel of its own."""

import unittest

from tests.support import KernelProcess

ECHO = """
from comm import create_comm, get_comm_manager
def target(comm, opening):
    comm.on_msg(lambda m: comm.send({'got': m['content']['data']}, buffers=m['buffers']))
get_comm_manager().register_target('echo', target)
"""


def message(kind: str, **more) -> dict:
    return {"comm": {"kind": kind, "comm_id": "c", "data": {"a": 1}, "metadata": {}, "buffers": [], **more}}


class CommsTest(unittest.TestCase):
    def setUp(self):
        kernel = KernelProcess()
        self.addCleanup(kernel.close)
        self.run_cell = kernel.run

    def said(self, run) -> list[dict]:
        return [one["content"] for one in run.messages if one["msg_type"] == "comm"]

    def test_nothing_is_said_where_nobody_has_asked(self):
        run = self.run_cell("from comm import create_comm; create_comm('x')")
        self.assertEqual((run.status, self.said(run)), ("ok", []))

    def test_an_object_opens_says_and_closes(self):
        code = "from comm import create_comm\nc = create_comm('x', {'n': 1}, comm_id='c')\nc.send({}, buffers=[b'\\0'])\nc.close()"
        run = self.run_cell(code, parent="p")
        self.assertEqual(
            self.said(run),
            [
                {"kind": "open", "comm_id": "c", "target_name": "x", "data": {"n": 1}, "metadata": {}},
                {"kind": "msg", "comm_id": "c", "data": {}, "metadata": {}, "buffers": ["AA=="]},
                {"kind": "close", "comm_id": "c", "data": {}, "metadata": {}},
            ],
        )

    def test_a_message_is_answered_without_a_number(self):
        self.run_cell(ECHO)
        self.run_cell("", parent="p", **message("open", target_name="echo"))
        run = self.run_cell("", parent="p", **message("msg", buffers=["AAE="]))
        self.assertEqual(run.status, "ok")
        (said,) = self.said(run)
        self.assertEqual((said["data"], said["buffers"]), ({"got": {"a": 1}}, ["AAE="]))
        self.assertEqual(self.run_cell("1").reply["execution_count"], 2)

    def test_what_fails_in_a_callback_is_told_and_nothing_ends(self):
        self.run_cell(ECHO.replace("comm.send({'got': m['content']['data']}, buffers=m['buffers'])", "1 / 0"))
        self.run_cell("", parent="p", **message("open", target_name="echo"))
        run = self.run_cell("", parent="p", **message("msg"))
        self.assertIn("ZeroDivisionError", run.stderr)
        self.assertEqual(self.run_cell("", parent="p", **message("msg", comm_id="none")).status, "ok")
        self.assertEqual(self.run_cell("6 * 7").value, "42")


if __name__ == "__main__":
    unittest.main()

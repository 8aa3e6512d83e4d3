"""What an answer shows, and what importing the package costs."""

import json
import subprocess
import sys
import unittest
from base64 import b64encode
from pathlib import Path

from glovebox import Batch, BatchItem, CodeError, GloveboxError, Result, python_value
from glovebox import describe_for_model

from .stub import RESULT

SOURCE = Path(__file__).parent.parent / "src"
PIXEL = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15"
    b"\xc4\x89\x00\x00\x00\rIDATx\x9cc\xf8\xff\xff?\x00\x05\xfe\x02\xfe\xa75\x81\x84\x00\x00\x00\x00"
    b"IEND\xaeB`\x82"
)


def shown(data, **fields):
    output = {"output_type": "display_data", "data": data, "metadata": {}}
    return Result({**RESULT, "outputs": [output], **fields})


class Answers(unittest.TestCase):
    def test_are_read_by_name_and_by_attribute(self):
        result = Result({**RESULT, "stdout": "x", "newer": 1})
        self.assertEqual((result["stdout"], result.stdout, result.newer), ("x", "x", 1))
        self.assertEqual(json.loads(json.dumps(dict(result)))["newer"], 1)
        with self.assertRaises(AttributeError):
            result.unknown

    def test_raise_what_the_code_has_raised_where_that_is_asked_for(self):
        failed = {"ename": "ValueError", "evalue": "no", "traceback": [], "hint": "h"}
        result = Result({**RESULT, "status": "error", "error": failed})
        with self.assertRaisesRegex(CodeError, "ValueError: no h") as caught:
            result.raise_for_error()
        self.assertIs(caught.exception.result, result)
        ok = Result(RESULT)
        self.assertIs(ok.raise_for_error(), ok)

    def test_of_a_batch_are_counted(self):
        done = {"index": 0, "id": None, "state": "done", "error": None}
        failed = {**done, "result": {**RESULT, "status": "error"}}
        refused = {"code": "QUOTA_EXCEEDED", "message": "m"}
        not_run = {**done, "state": "refused", "result": None, "error": refused}
        batch = Batch([BatchItem(one) for one in ({**done, "result": RESULT}, failed, not_run)])
        self.assertEqual((batch.ok, batch.failed, batch.not_run), (1, 1, 1))
        with self.assertRaisesRegex(GloveboxError, "QUOTA_EXCEEDED"):
            batch[2].raise_for_error()


class Jupyter(unittest.TestCase):
    def page(self, result):
        return result._repr_mimebundle_()["text/html"]

    def test_nothing_of_a_guest_acts_in_the_notebook(self):
        attack = '"><script>alert(1)</script>'
        for data in (
            {"text/html": attack, "text/plain": "plain"},
            {"image/svg+xml": attack, "text/plain": "plain"},
            {"application/javascript": attack},
            {"text/plain": attack},
            {"image/png": attack, "text/plain": "plain"},
            {f"x/{attack}": ""},
            {
                "application/vnd.glovebox.table+json": {
                    "columns": [{"name": attack}],
                    "index": {"head": [attack]},
                    "head": [[attack]],
                    "shape": [attack],
                }
            },
        ):
            bundle = shown(data, status=attack)._repr_mimebundle_()
            self.assertEqual(set(bundle), {"text/plain", "text/html"})
            self.assertNotIn("<script", bundle["text/html"])
            self.assertNotIn('"><', bundle["text/html"].replace('">&', ""))

    def test_figures_and_tables_are_shown(self):
        data = b64encode(PIXEL).decode()
        self.assertIn(f'src="data:image/png;base64,{data}"', self.page(shown({"image/png": data})))
        table = {
            "columns": [{"name": "a<"}],
            "index": {"head": [0]},
            "head": [[None]],
            "shape": [1, 1],
        }
        page = self.page(shown({"application/vnd.glovebox.table+json": table}))
        self.assertIn("<th>a&lt;</th>", page)
        self.assertIn("1 × 1", page)

    def test_images_are_those_of_pillow(self):
        result = shown({"image/png": b64encode(PIXEL).decode()})
        self.assertEqual([image.size for image in result.images], [(1, 1)])
        self.assertEqual(result.image_bytes(), [("image/png", PIXEL)])


class Models(unittest.TestCase):
    def test_read_text_errors_and_files(self):
        result = {
            **RESULT,
            "status": "error",
            "result_text": "x" * 30,
            "files_created": ["a"],
            "files_modified": [],
        }
        self.assertEqual(
            describe_for_model(result, 10),
            f"status: error\nxxxxx\n[20 characters left out]\nxxxxx\n[files created: a]",
        )

    def test_values_go_into_code_as_values(self):
        value = {"text": "'\"\\\n\u2028é😀{x}", "numbers": [1, 2.5, None, True]}
        self.assertEqual(eval(python_value(value)), value)


class Importing(unittest.TestCase):
    def test_costs_little_and_loads_no_http_client(self):
        code = (
            "import sys, time; begin = time.process_time(); import glovebox; glovebox.Client();"
            "print(time.process_time() - begin, 'httpx' in sys.modules)"
        )
        environment = {"PYTHONPATH": str(SOURCE), "PATH": "/usr/bin"}
        seconds = []
        for _ in range(3):
            told = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True)
            taken, loaded = told.split()
            self.assertEqual(loaded, "False")
            seconds.append(float(taken))
        self.assertLess(min(seconds), 0.15)

    def test_every_name_is_there(self):
        import glovebox

        for name in glovebox.__all__:
            self.assertTrue(hasattr(glovebox, name), name)

    def test_the_sync_client_is_made_of_the_async_one(self):
        tool = SOURCE.parent / "tools" / "make_sync.py"
        done = subprocess.run([sys.executable, tool, "--check"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout), (0, ""))

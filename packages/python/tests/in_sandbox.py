"""What needs pandas and IPython; run inside a sandbox by test_server.py."""

import io
import unittest

import pandas
from IPython.core.formatters import DisplayFormatter
from glovebox import Result
from glovebox._content import read_table, to_bytes

TABLE = "application/vnd.glovebox.table+json"


def table_of(frame):
    """The description that a cell of this session would have."""
    from IPython import get_ipython

    return get_ipython().display_formatter.format(frame)[0][TABLE]


def result_with(table):
    output = {"output_type": "display_data", "data": {TABLE: table, "text/plain": ""}, "metadata": {}}
    return Result({"status": "ok", "outputs": [output], "result_text": None, "execution_time": 0})


class Tables(unittest.TestCase):
    def test_are_dataframes_again(self):
        days = pandas.to_datetime(["2024-01-01", None])
        frame = pandas.DataFrame({"day": days, "n": [1.5, None]}, index=pandas.Index(["a", "b"], name="i"))
        (again,) = result_with(table_of(frame)).tables
        pandas.testing.assert_frame_equal(again, frame, check_dtype=False, check_index_type=False)
        self.assertEqual(again.attrs, {"shape": (2, 2), "truncated": False})

    def test_of_any_shape(self):
        levels = pandas.MultiIndex.from_product([["x", "y"], [1, 2]])
        for frame in (
            pandas.DataFrame([[1, 2, 3, 4]] * 4, columns=levels, index=levels),
            pandas.DataFrame([[1, 2]], columns=["same", "same"]),
            pandas.DataFrame(),
            pandas.Series([1, 2], name="s"),
        ):
            (again,) = result_with(table_of(frame)).tables
            values = frame.to_frame() if isinstance(frame, pandas.Series) else frame
            self.assertEqual(again.values.tolist(), values.values.tolist())
            self.assertEqual(list(again.columns), list(values.columns))

    def test_go_through_files(self):
        frame = pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]})
        for path in ("a.csv", "a.tsv", "a.json", "a.jsonl"):
            pandas.testing.assert_frame_equal(read_table(path, to_bytes(path, frame)), frame)

    def test_ipython_takes_the_bundle(self):
        result = result_with(table_of(pandas.DataFrame({"a": [1]})))
        data, _ = DisplayFormatter().format(result)
        self.assertIn("<th>a</th>", data["text/html"])


def run():
    stream = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Tables)
    unittest.TextTestRunner(stream=stream).run(suite)
    print(stream.getvalue())

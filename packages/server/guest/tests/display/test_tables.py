"""The preview of a table: what stands in it, what is cut, and what is never looked at."""

import datetime
import decimal
import json
import time
import unittest

import numpy
import pandas

from _glovebox.display import tables


class Unspeakable:
    """Fails the test if anybody asks it anything."""

    def __repr__(self):
        raise SystemExit("asked for a repr")

    __str__ = __len__ = __bool__ = __eq__ = __hash__ = __repr__


class TablesTest(unittest.TestCase):
    def preview(self, table) -> dict:
        preview = tables.describe(table)
        self.assertIsNotNone(preview)
        json.dumps(preview, allow_nan=False)
        return preview

    def test_a_frame(self):
        frame = pandas.DataFrame(
            {
                "n": [1, 2, 3],
                "f": [1.5, numpy.nan, numpy.inf],
                "s": ["x", None, "z"],
                "b": [True, False, True],
                "d": pandas.to_datetime(["2024-01-01", None, "2024-01-03"]),
                "c": pandas.Categorical(["u", "v", "u"]),
            }
        )
        self.assertEqual(
            self.preview(frame),
            {
                "kind": "dataframe",
                "shape": [3, 6],
                "columns": [
                    {"name": "n", "dtype": "int64", "nulls": 0},
                    {"name": "f", "dtype": "float64", "nulls": 1},
                    {"name": "s", "dtype": "object", "nulls": 1},
                    {"name": "b", "dtype": "bool", "nulls": 0},
                    {"name": "d", "dtype": "datetime64[ns]", "nulls": 1},
                    {"name": "c", "dtype": "category", "nulls": 0},
                ],
                "index": {"name": None, "dtype": "int64", "head": [0, 1, 2]},
                "head": [
                    [1, 1.5, "x", True, "2024-01-01T00:00:00", "u"],
                    [2, None, None, False, None, "v"],
                    [3, None, "z", True, "2024-01-03T00:00:00", "u"],
                ],
                "truncated": False,
            },
        )

    def test_a_series(self):
        series = pandas.Series([1, 2], name="s", index=pandas.Index(["p", "q"], name="i"))
        preview = self.preview(series)
        self.assertEqual((preview["kind"], preview["shape"]), ("series", [2, 1]))
        self.assertEqual(preview["columns"], [{"name": "s", "dtype": "int64", "nulls": 0}])
        self.assertEqual(preview["index"], {"name": "i", "dtype": "object", "head": ["p", "q"]})
        self.assertEqual(preview["head"], [[1], [2]])

    def test_names_of_all_kinds(self):
        frame = pandas.DataFrame([[1, 2, 3, 4]], columns=["a", "a", 3, None])
        self.assertEqual([column["name"] for column in self.preview(frame)["columns"]], ["a", "a", 3, None])
        self.assertEqual(self.preview(frame)["head"], [[1, 2, 3, 4]])

    def test_several_levels(self):
        frame = pandas.DataFrame(
            [[1, 2]],
            columns=pandas.MultiIndex.from_tuples([("a", 1), ("a", 2)]),
            index=pandas.MultiIndex.from_tuples([("x", 1)], names=["p", "q"]),
        )
        preview = self.preview(frame)
        self.assertEqual([column["name"] for column in preview["columns"]], [["a", 1], ["a", 2]])
        self.assertEqual(preview["index"]["head"], [["x", 1]])
        self.assertEqual(
            preview["index"]["levels"], [{"name": "p", "dtype": "object"}, {"name": "q", "dtype": "int64"}]
        )

    def test_empty_ones(self):
        for frame, shape, head in (
            (pandas.DataFrame(), [0, 0], []),
            (pandas.DataFrame(columns=["a"]), [0, 1], []),
            (pandas.DataFrame(index=[1, 2]), [2, 0], [[], []]),
        ):
            preview = self.preview(frame)
            self.assertEqual((preview["shape"], preview["head"]), (shape, head))

    def test_cells_of_all_kinds(self):
        for value, shown in (
            (2**70, "1180591620717411303424"),
            (10**5000, "<int of 16610 bits>"),
            (numpy.float32(2.5), 2.5),
            (numpy.bool_(True), True),
            (decimal.Decimal("1.50"), "1.50"),
            (datetime.date(2024, 1, 1), "2024-01-01"),
            (pandas.Timedelta("1h"), "0 days 01:00:00"),
            (pandas.Period("2024-01"), "2024-01"),
            (pandas.NA, None),
            (1 + 2j, "(1+2j)"),
            (b"x", "b'x'"),
            ("y" * 500, "y" * 199 + "…"),
            ([1, "a", [2, [3, [4]]]], "[1, 'a', [2, […]]]"),
            ({"k": (1,)}, "{'k': (1,)}"),
            (list(range(100)), "[0, 1, 2, 3, 4, …]"),
            (Unspeakable(), "<Unspeakable>"),
            ([Unspeakable()], "[<Unspeakable>]"),
            (numpy.zeros(3), "<array of shape (3,), float64>"),
            (int, "<class int>"),
        ):
            series = pandas.Series([None], dtype=object)
            series.array[0] = value
            self.assertEqual(self.preview(series)["head"], [[shown]], type(value))

    def test_only_the_beginning_is_shown(self):
        preview = self.preview(pandas.DataFrame(numpy.zeros((50, 100))))
        self.assertTrue(preview["truncated"])
        self.assertEqual(preview["shape"], [50, 100])
        self.assertEqual((len(preview["columns"]), len(preview["head"]), len(preview["head"][0])), (30, 10, 30))

    def test_a_large_table_is_not_searched_for_nulls(self):
        frame = pandas.DataFrame({"a": numpy.arange(10_000_000)})
        started = time.perf_counter()
        preview = self.preview(frame)
        self.assertLess(time.perf_counter() - started, 0.5)
        self.assertNotIn("nulls", preview["columns"][0])
        self.assertNotIn("nulls", self.preview(pandas.Series(["x"] * 200_000))["columns"][0])
        self.assertIn("nulls", self.preview(frame[:500_000])["columns"][0])

    def test_a_table_that_cannot_be_read_has_no_preview(self):
        broken = pandas.DataFrame({"a": [1]})
        broken._mgr = None
        self.assertIsNone(tables.describe(broken))


if __name__ == "__main__":
    unittest.main()

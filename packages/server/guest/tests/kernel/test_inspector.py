"""Variables and previews: true for honest values, harmless for the others."""

import collections
import gc
import sys
import types
import unittest

import numpy
import pandas

from _glovebox.kernel import inspector
from _glovebox.kernel.preview import CHARACTERS_MAX, preview

# Short, as a user's is: a preview has room for a few of them.
_MODULE = "user_module"


class Shell:
    """As much of the shell as the inspector looks at."""

    def __init__(self, **names):
        self.user_ns = {"In": [], "_": 1, "_private": 2, 7: 8, "exit": 3, **names}
        self.user_ns_hidden = {"In": self.user_ns["In"], "exit": 3}


def refuse(*_, **__):
    raise AssertionError("code of the user's has run")


class Hostile:
    __module__ = _MODULE
    __repr__ = __str__ = __len__ = __sizeof__ = __iter__ = __getitem__ = refuse
    __getattr__ = __getattribute__ = __dir__ = __hash__ = __eq__ = __format__ = refuse
    __class__ = property(refuse)
    shape = dtype = nbytes = property(refuse)


def class_of_hostile_metaclass() -> type:
    """Made for one test: others look through all objects that there are, this class included."""

    class Meta(type):
        __repr__ = __str__ = __getattribute__ = __instancecheck__ = __subclasscheck__ = refuse
        __name__ = __module__ = property(refuse)

    return Meta("Odd", (), {"__module__": 7})


class List(list):
    __module__ = _MODULE
    __repr__ = __len__ = __iter__ = refuse


class Array(numpy.ndarray):
    __repr__ = __getitem__ = refuse
    shape = property(refuse)


class InspectorTest(unittest.TestCase):
    def row(self, value: object) -> dict:
        return inspector.describe("x", value)

    def test_the_names_are_those_of_the_user(self):
        answer = inspector.variables(Shell(b=1, a=2), 10)
        self.assertEqual([one["name"] for one in answer["variables"]], ["a", "b"])
        self.assertEqual((answer["total"], answer["truncated"]), (2, False))

    def test_a_limit_cuts_and_says_so(self):
        answer = inspector.variables(Shell(**{f"v{n}": n for n in range(9)}), 4)
        self.assertEqual((len(answer["variables"]), answer["total"], answer["truncated"]), (4, 9, True))

    def test_values_are_measured(self):
        frame = pandas.DataFrame({"a": range(3), "b": range(3)})
        for value, expected in (
            ([1, 2], {"type": "list", "module": "builtins", "length": 2}),
            ("äb", {"type": "str", "length": 2, "size_bytes": sys.getsizeof("äb")}),
            (numpy.zeros((3, 4)), {"shape": [3, 4], "length": 3, "dtype": "float64", "size_bytes": 96}),
            (numpy.float32(1), {"type": "float32", "shape": [], "size_bytes": 4, "preview": "1.0"}),
            (frame, {"type": "DataFrame", "shape": [3, 2], "length": 3, "size_bytes": 180}),
            (frame["a"], {"type": "Series", "shape": [3], "dtype": "int64", "preview": "[0, 1, 2]"}),
            (range(10**30), {"length": None, "preview": f"range(0, {10**30}, 1)"}),
            (Hostile, {"type": "type", "module": _MODULE, "length": None}),
            (refuse, {"type": "function", "module": __name__, "preview": "refuse(*_, **__)"}),
        ):
            row = self.row(value)
            for field, want in expected.items():
                self.assertEqual(row[field], want, (field, row))

    def test_the_size_of_a_frame_is_what_pandas_says(self):
        frame = pandas.DataFrame(
            {
                "int": [1, 2],
                "text": ["a", "b" * 1000],
                "kind": pandas.Categorical(["x", "y"]),
                "when": pandas.to_datetime(["2020", "2021"]).tz_localize("UTC"),
                "nullable": pandas.array([1, None], dtype="Int64"),
            }
        )
        for one in (frame, frame.set_index(["int", "text"]), frame[[]], pandas.DataFrame()):
            size = one.memory_usage(deep=False).sum()  # First: it builds what counts towards it.
            self.assertEqual(self.row(one)["size_bytes"], size)

    def test_no_code_of_a_hostile_object_runs(self):
        self.addCleanup(gc.collect)
        odd = class_of_hostile_metaclass()
        array = numpy.zeros(3).view(Array)
        for value in (Hostile(), odd, odd(), List([1]), array):
            with self.subTest(kind=type(value)):
                row = self.row(value)
                self.assertTrue(row["preview"].startswith("<"), row)
                self.assertIsNone(row["length"])
        objects = numpy.array([None, 1], dtype=object)
        objects[0] = Hostile()
        nested = {"a": [Hostile(), (odd(), List())], "b": objects}
        self.assertEqual(
            preview(nested),
            f"{{'a': [<{_MODULE}.Hostile>, (<Odd>, <{_MODULE}.List>)], 'b': [<{_MODULE}.Hostile>, 1]}}",
        )
        series = pandas.Series(objects, dtype=object)
        self.assertEqual(preview(series), f"[<{_MODULE}.Hostile>, 1]")

    def test_a_module_that_lies_about_itself(self):
        module = types.ModuleType("name")
        module.__dict__["__name__"] = Hostile()
        self.assertEqual(preview(module), "<module>")
        self.assertEqual(preview(sys), "<module sys>")

    def test_previews(self):
        one = collections.deque([1])
        for value, text in (
            (None, "None"),
            (True, "True"),
            (1.5, "1.5"),
            ("a'b\n", '"a\'b\\n"'),
            ((1,), "(1,)"),
            ((), "()"),
            (set(), "{}"),
            ({1: {2}}, "{1: {2}}"),
            (one, "deque([1])"),
            (collections.Counter("aab"), "Counter({'a': 2, 'b': 1})"),
            (numpy.arange(6).reshape(2, 3), "[[0, 1, 2], [3, 4, 5]]"),
            (numpy.array("2020-01-02", "M8[D]"), "['2020-01-02']"),
            (pandas.DataFrame({"a": [1], "b": [2]}), "1 rows × 2 columns: 'a', 'b'"),
            (pandas.Index(["x", "y"]), "['x', 'y']"),
            (pandas.Timestamp("2020-01-02"), "2020-01-02 00:00:00"),
            (Hostile, f"<class {_MODULE}.Hostile>"),
            (len, "len(…)"),
            (lambda a, b=1, *c, d, **e: 0, "<lambda>(a, b, *c, d, **e)"),
            (lambda *, k: 0, "<lambda>(*, k)"),
        ):
            self.assertEqual(preview(value), text)

    def test_what_is_large_deep_or_endless_is_cut(self):
        own = [1]
        own.append(own)
        self.assertEqual(preview(own), "[1, [...]]")
        array = numpy.array([None], dtype=object)
        array[0] = array
        deep: list = []
        for _ in range(100_000):
            deep = [deep]
        for value in (array, deep, "x" * 10**7, b"x" * 10**7, list(range(10**6)), numpy.zeros((9, 10**6))):
            text = preview(value)
            self.assertEqual(len(text), CHARACTERS_MAX)
            self.assertTrue(text.endswith("…"))
        while deep:  # Else its end would be a recursion.
            deep = deep.pop()

    def test_a_huge_int_is_not_made_into_digits(self):
        self.assertEqual(preview(1 << 10**8), f"<int of {10**8 + 1} bits>")
        self.assertEqual(preview([-(1 << 10**7)]), f"[<int of {10**7 + 1} bits>]")

    def test_wide_elements_of_an_array_are_not_copied(self):
        self.assertEqual(preview(numpy.zeros(10, "S100000")), "<numpy.ndarray>")


if __name__ == "__main__":
    unittest.main()

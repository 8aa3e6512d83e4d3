"""A value in at most 120 characters, without running code of the user's.

Only objects of exactly known types are looked into, and only at their first few elements. Of every
other object no more is told than its class. Types are found by type(), as `__class__` can lie.
"""

import collections
import datetime
import decimal
import itertools
import pathlib
import types
import uuid
import zoneinfo
from typing import Iterable

try:
    import numpy
    import pandas
except ImportError:  # A root file system without them has no such values either.
    numpy = pandas = None

CHARACTERS_MAX = 120
_MORE = "…"
# Turning an int into digits takes time that grows with the square of its length.
_INT_BITS_MAX = 400
_ELEMENT_BYTES_MAX = 1024

name_of_type = type.__dict__["__name__"].__get__
module_of_type = type.__dict__["__module__"].__get__
_names_of_module = types.ModuleType.__dict__["__dict__"].__get__

_BY_REPR = {types.NoneType, bool, float, complex, types.EllipsisType, types.NotImplementedType}
_BY_STR = {
    datetime.date,
    datetime.timedelta,
    datetime.timezone,
    decimal.Decimal,
    pathlib.PosixPath,
    uuid.UUID,
    zoneinfo.ZoneInfo,
}
_WITH_ZONE = {datetime.datetime, datetime.time}
_ZONES = {types.NoneType, datetime.timezone, zoneinfo.ZoneInfo}
_BRACKETS = {
    list: ("[", "]"),
    tuple: ("(", ")"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
    collections.deque: ("deque([", "])"),
}
_MAPPINGS = {
    dict: ("{", "}"),
    collections.OrderedDict: ("OrderedDict({", "})"),
    collections.defaultdict: ("defaultdict({", "})"),
    collections.Counter: ("Counter({", "})"),
}
CONTAINERS = {str, bytes, bytearray, range, *_BRACKETS, *_MAPPINGS}
SCALARS = {int, *_BY_REPR, *_BY_STR, *_WITH_ZONE}

if numpy is not None:
    _WITH_ZONE.add(pandas.Timestamp)
    _BY_STR |= {pandas.Timedelta, pandas.Period, type(pandas.NaT), type(pandas.NA)}
    NUMPY_SCALARS = set(numpy.sctypeDict.values()) - {numpy.object_}
    INDEXES = {
        getattr(pandas, f"{kind}Index")
        for kind in ("", "Range", "Multi", "Datetime", "Timedelta", "Period", "Interval", "Categorical")
    }
else:
    NUMPY_SCALARS = INDEXES = set()


def preview(value: object) -> str:
    """The value, cut where it is too long."""
    try:
        writer = _Writer()
        try:
            writer.write(value)
        except _Full:
            return writer.text[: CHARACTERS_MAX - 1] + _MORE
        return writer.text
    except Exception:  # A library refuses to show a value, or its state is broken.
        return of_class(type(value))[:CHARACTERS_MAX]


def of_class(kind: type) -> str:
    """What is told of an object whose own code must not run."""
    module = module_of_type(kind)
    prefix = f"{module}." if type(module) is str and module != "builtins" else ""
    return f"<{prefix}{name_of_type(kind)}>"


def category(value: object) -> str:
    """What an editor shows an icon for."""
    kind = type(value)
    if issubclass(kind, type):
        return "class"
    if issubclass(kind, types.ModuleType):
        return "module"
    functions = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
    return "function" if kind in functions else "instance"


class _Full(Exception):
    """There is no more room."""


class _Writer:
    """Every step writes a character or more, so nothing takes long, however large or deep it is."""

    def __init__(self) -> None:
        self.text = ""
        self._inside: list[int] = []

    def put(self, text: str) -> None:
        self.text += text
        if len(self.text) > CHARACTERS_MAX:
            raise _Full

    def write(self, value: object) -> None:
        kind = type(value)
        if kind is int:
            self._int(value)
        elif kind in _BY_REPR:
            self.put(repr(value))
        elif kind in (str, bytes, bytearray):
            self.put(repr(value[:CHARACTERS_MAX]))
        elif kind in _BRACKETS:
            self._nested(value, _BRACKETS[kind], value, self.write)
            if kind is tuple and len(value) == 1:
                self.text = f"{self.text[:-1]},)"
        elif kind in _MAPPINGS:
            self._nested(value, _MAPPINGS[kind], dict.items(value), self._pair)
        elif kind in _BY_STR or (kind in _WITH_ZONE and type(value.tzinfo) in _ZONES):
            self.put(str(value))
        elif kind is range:
            self._parts("range(", (value.start, value.stop, value.step), ")")
        elif kind is slice:
            self._parts("slice(", (value.start, value.stop, value.step), ")")
        else:
            self._object(value, kind)

    def _int(self, value: int) -> None:
        bits = value.bit_length()
        self.put(repr(value) if bits <= _INT_BITS_MAX else f"<int of {bits} bits>")

    def _nested(self, owner: object, brackets: tuple[str, str], items: Iterable, write) -> None:
        start, end = brackets
        if id(owner) in self._inside:
            self.put(f"{start}...{end}")
            return
        self._inside.append(id(owner))
        self.put(start)
        separator = ""
        for item in items:
            self.text += separator
            separator = ", "
            write(item)
        self.put(end)
        self._inside.pop()

    def _pair(self, pair: tuple[object, object]) -> None:
        self.write(pair[0])
        self.put(": ")
        self.write(pair[1])

    def _parts(self, start: str, parts: Iterable, end: str) -> None:
        self._nested(object(), (start, end), parts, self.write)

    def _object(self, value, kind: type) -> None:
        if numpy is not None and kind is numpy.ndarray:
            self._array(value)
        elif kind in NUMPY_SCALARS:
            plain = value.item()
            self.put(str(value)) if type(plain) is kind else self.write(plain)
        elif numpy is not None and (kind is pandas.Series or kind in INDEXES):
            self._parts("[", _elements(value), "]")
        elif numpy is not None and kind is pandas.DataFrame:
            rows, columns = value.shape
            self.put(f"{rows} rows × {columns} columns: ")
            self._parts("", _elements(value.columns), "")
        else:
            self.put((_definition(value, kind) or of_class(kind))[: CHARACTERS_MAX + 1])

    def _array(self, array) -> None:
        if array.dtype.itemsize > _ELEMENT_BYTES_MAX:
            self.put(of_class(type(array)))
        elif array.ndim > 1:
            self._nested(array, ("[", "]"), array, self._array)
        elif array.dtype.kind in "mM":
            self._parts("[", (str(item) for item in array.flat), "]")
        else:
            few = array.flat[:CHARACTERS_MAX].tolist()
            self._parts("[", few, "]")


def _elements(labels) -> Iterable:
    """The first of a Series or an Index that is pandas' own, with a type of element that is, too."""
    kinds = (type(labels), type(labels.dtype))
    if not all(str(module_of_type(kind)).split(".")[0] in ("pandas", "numpy") for kind in kinds):
        return ()
    few = labels[:CHARACTERS_MAX] if type(labels) in INDEXES else labels.iloc[:CHARACTERS_MAX]
    return few.tolist()


def _definition(value, kind: type) -> str | None:
    """A class, a module or a function as its first line."""
    if issubclass(kind, type):
        return of_class(value).replace("<", "<class ", 1)
    if kind is types.ModuleType:
        name = _names_of_module(value).get("__name__")
        return f"<module {name}>" if type(name) is str else None
    if kind is types.FunctionType:
        return f"{value.__name__}({', '.join(_parameters(value.__code__))})"
    if kind is types.BuiltinFunctionType:
        return f"{value.__name__}(…)"
    return None


def _parameters(code: types.CodeType) -> Iterable[str]:
    count = code.co_argcount + code.co_kwonlyargcount
    names = iter(code.co_varnames)
    yield from itertools.islice(names, code.co_argcount)
    keyword_only = list(itertools.islice(names, count - code.co_argcount))
    if code.co_flags & 0x04:  # CO_VARARGS
        yield f"*{next(names)}"
    elif keyword_only:
        yield "*"
    yield from keyword_only
    if code.co_flags & 0x08:  # CO_VARKEYWORDS
        yield f"**{next(names)}"

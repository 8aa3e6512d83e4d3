"""Values of user code as bounded JSON: short texts, numbers without NaN, even samples.

What is shown beside a result is made from objects that user code chose. Nothing here calls a method
that user code may have written, and everything is short.
"""

import datetime
import decimal
import math
import time
import uuid

import numpy

TEXT_MAX = 200
_SAFE_INTEGER_MAX = 2**53 - 1
_ITEMS_SHOWN = 5
_DEPTH_SHOWN = 2
# Written by Python itself, and of bounded length.
_PLAIN = (datetime.date, datetime.datetime, datetime.time, datetime.timedelta, uuid.UUID, complex)
_BRACKETS = {list: "[]", tuple: "()", set: "{}", frozenset: "{}", dict: "{}"}


class Allowance:
    """What one piece of structured data may still hold, and how long its making may still take."""

    def __init__(self, values: int, seconds: float):
        self.values = values
        self.truncated = False
        self._deadline = time.monotonic() + seconds

    @property
    def is_used_up(self) -> bool:
        return self.values <= 0 or time.monotonic() > self._deadline

    def take(self, wanted: int) -> int:
        """How many of `wanted` values there is room for."""
        given = max(0, min(wanted, self.values))
        self.values -= given
        if given < wanted:
            self.truncated = True
        return given


def cut(text: str, length: int = TEXT_MAX) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def plain_text(value) -> str | None:
    """The text of a label, or None where there is none."""
    if not isinstance(value, str):
        return None
    return cut(str.__str__(value)) or None


def number(value: float) -> float | None:
    """JSON has no NaN and no Infinity."""
    value = float(value)
    return value if math.isfinite(value) else None


def numbers(array) -> list:
    """A one-dimensional array as numbers; what is masked, NaN or infinite is null."""
    array = numpy.ma.getdata(array) if not numpy.ma.is_masked(array) else array.filled(numpy.nan)
    if array.dtype.kind == "b":
        return array.tolist()
    if array.dtype.kind in "iu":
        return [safe_integer(value) for value in array.tolist()]
    if array.dtype.kind != "f":
        array = array.astype(float)
    values = array.tolist()
    if numpy.isfinite(array).all():
        return values
    return [value if math.isfinite(value) else None for value in values]


def even_sample(length: int, wanted: int):
    """Which of `length` elements are shown: all, or `wanted` evenly, the first and the last among them."""
    if length <= wanted:
        return slice(None)
    return numpy.linspace(0, length - 1, wanted).round().astype(int)


def safe_integer(value: int) -> int | str:
    """Readers of JSON that know only doubles would round a larger one."""
    return value if -_SAFE_INTEGER_MAX <= value <= _SAFE_INTEGER_MAX else cut(_digits(value))


def _digits(value: int) -> str:
    # Python refuses to write out very long integers, and would take long.
    return str(value) if value.bit_length() < 2000 else f"<int of {value.bit_length()} bits>"


def cell(value):
    """One value as JSON says it best: null, a boolean, a number or a short text."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return safe_integer(value)
    if kind is float:
        return number(value)
    if kind is str:
        return cut(value)
    if isinstance(value, numpy.generic) and kind.__module__ == "numpy":
        return _numpy_cell(value)
    return brief(value)


def _numpy_cell(value):
    if value.dtype.kind in "Mm":
        return None if numpy.isnat(value) else str(value)
    return cell(value.item()) if value.dtype.kind in "biufSU" and value.dtype.itemsize <= 4096 else brief(value)


def brief(value, depth: int = 0) -> str:
    """A short text for anything. An object of an unknown class is shown by the name of its class."""
    kind = type(value)
    if kind is str:
        return cut(value) if depth == 0 else cut(repr(value[:TEXT_MAX]), 60)
    if kind is int:
        return _digits(value)
    if value is None or kind in (bool, float):
        return repr(value)
    if kind in (bytes, bytearray):
        return cut(repr(bytes(value[:40])) + ("…" if len(value) > 40 else ""))
    if kind in _PLAIN:
        return value.isoformat() if hasattr(value, "isoformat") else str(value)
    if kind is decimal.Decimal:
        return cut(str(value))
    if kind in _BRACKETS:
        return _brief_container(value, kind, depth)
    if kind is numpy.ndarray:
        return f"<array of shape {value.shape}, {value.dtype.name}>"
    if isinstance(value, type):
        return f"<class {cut(type.__getattribute__(value, '__name__'), 80)}>"
    return f"<{cut(type.__getattribute__(kind, '__name__'), 80)}>"


def _brief_container(value, kind: type, depth: int) -> str:
    opening, closing = _BRACKETS[kind]
    if not value:
        return f"{kind.__name__}()" if kind in (set, frozenset) else opening + closing
    if depth >= _DEPTH_SHOWN:
        return f"{opening}…{closing}"
    items = []
    for item in value.items() if kind is dict else value:
        if len(items) == _ITEMS_SHOWN:
            items.append("…")
            break
        if kind is dict:
            items.append(": ".join(brief(half, depth + 1) for half in item))
        else:
            items.append(brief(item, depth + 1))
    text = ", ".join(items)
    if kind is tuple and len(value) == 1:
        text += ","
    return cut(f"{opening}{text}{closing}")

"""What a session's variables are, without asking them: no `__repr__`, `__len__` or property of the
user's runs. Everything is bounded: nothing is walked deeply, and nothing large is made into text.
"""

import sys
import types

from _glovebox.kernel.preview import (
    CONTAINERS,
    INDEXES,
    NUMPY_SCALARS,
    SCALARS,
    module_of_type,
    name_of_type,
    preview,
)

try:
    import numpy
    import pandas
except ImportError:  # A root file system without them has no such values either.
    numpy = pandas = None

_NAME_CHARACTERS_MAX = 200
_NO_MEASURES = {"shape": None, "length": None, "dtype": None, "size_bytes": None}


def variables(shell, limit: int) -> dict:
    """What the user's code has named, in the order of the names."""
    names = sorted(_own_names(shell))
    rows = [describe(name, shell.user_ns[name]) for name in names[:limit]]
    return {"variables": rows, "total": len(names), "truncated": len(names) > limit}


def _own_names(shell) -> list[str]:
    """As IPython's %who: not what IPython put there, nor what begins with an underscore."""
    hidden = shell.user_ns_hidden
    missing = object()
    return [
        name
        for name, value in shell.user_ns.items()
        if type(name) is str and not name.startswith("_") and value is not hidden.get(name, missing)
    ]


def describe(name: str, value: object) -> dict:
    """One variable, in the wire names of the answer."""
    kind = type(value)
    try:
        measures = _measures(value, kind)
    except Exception:  # A library refuses to tell, or the value's state is broken.
        measures = {}
    return {
        "name": name[:_NAME_CHARACTERS_MAX],
        "type": name_of_type(kind)[:_NAME_CHARACTERS_MAX],
        "module": _module_of(value, kind),
        **_NO_MEASURES,
        **measures,
        "preview": preview(value),
    }


def _module_of(value, kind: type) -> str:
    """Where the type is defined, or where a class or function itself is. Empty where that is unknown."""
    if issubclass(kind, type):
        module = module_of_type(value)
    elif kind is types.FunctionType:
        module = value.__module__
    else:
        module = module_of_type(kind)
    return module[:_NAME_CHARACTERS_MAX] if type(module) is str else ""


def _measures(value, kind: type) -> dict:
    if kind in CONTAINERS:
        return {"length": _length(value), "size_bytes": sys.getsizeof(value)}
    if kind in SCALARS:
        return {"size_bytes": sys.getsizeof(value)}
    if numpy is None:
        return {}
    if kind is numpy.ndarray or kind in NUMPY_SCALARS:
        return _array_measures(value.shape, value.dtype, value.nbytes)
    if kind is pandas.DataFrame:
        size = _frame_bytes(value)
        return {"shape": list(value.shape), "length": value.shape[0], "size_bytes": size}
    if kind is pandas.Series:
        size = int(value.memory_usage(index=True, deep=False))
        return _array_measures(value.shape, value.dtype, size)
    if kind in INDEXES:
        return _array_measures(value.shape, value.dtype, int(value.memory_usage(deep=False)))
    return {}


def _frame_bytes(frame) -> int:
    """As the sum of memory_usage(), which makes several Series for it and takes ten times as long."""
    size = frame.index.memory_usage(deep=False)
    for block in frame._mgr.blocks:
        values = block.values
        size += values.memory_usage() if hasattr(values, "memory_usage") else values.nbytes
    return int(size)


def _array_measures(shape: tuple[int, ...], dtype: object, size: int) -> dict:
    length = shape[0] if shape else None
    text = str(dtype)[:_NAME_CHARACTERS_MAX]
    return {"shape": list(shape), "length": length, "dtype": text, "size_bytes": size}


def _length(value) -> int | None:
    try:
        return len(value)
    except OverflowError:  # A range may be longer than anything in memory.
        return None

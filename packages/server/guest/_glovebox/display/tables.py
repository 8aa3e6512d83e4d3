"""The beginning of a DataFrame or a Series as data: shape, columns with their types, first rows.

Never looks at a whole large table, and never calls what an element of it could have for a __repr__.
See docs/rich-results.md for the shape.
"""

import pandas

from _glovebox.display import bounded

_ROWS_MAX = 10
_COLUMNS_MAX = 30
_LEVELS_MAX = 10
# Counting what is missing reads every element; elements that are Python objects take much longer.
_ELEMENTS_READ_MAX = 1_000_000
_OBJECTS_READ_MAX = 100_000
_SECONDS_MAX = 0.1
_WRITTEN_BY_PANDAS = (pandas.Timestamp, pandas.Timedelta, pandas.Period, pandas.Interval)


def describe(table: pandas.DataFrame | pandas.Series) -> dict | None:
    """The preview of a table, or None for one that cannot be read."""
    try:
        if type(table) is pandas.Series:
            return _describe("series", [(table.name, table)], (len(table), 1), table.index)
        names = list(table.columns[:_COLUMNS_MAX])
        columns = [(name, table.iloc[:, index]) for index, name in enumerate(names)]
        return _describe("dataframe", columns, table.shape, table.index)
    except Exception:
        return None


def _describe(kind: str, columns: list, shape: tuple, index: pandas.Index) -> dict:
    allowance = bounded.Allowance(_ELEMENTS_READ_MAX, _SECONDS_MAX)
    rows = min(shape[0], _ROWS_MAX)
    heads = [[_cell(value) for value in column.iloc[:rows].array] for _, column in columns]
    return {
        "kind": kind,
        "shape": list(shape),
        "columns": [_describe_column(name, column, allowance) for name, column in columns],
        "index": _describe_index(index) | {"head": [_name(value) for value in index[:rows]]},
        "head": [list(row) for row in zip(*heads)] if heads else [[] for _ in range(rows)],
        "truncated": rows < shape[0] or len(columns) < shape[1],
    }


def _describe_column(name, column: pandas.Series, allowance: bounded.Allowance) -> dict:
    described = {"name": _name(name), "dtype": _dtype(column.dtype)}
    cost = len(column) * (_ELEMENTS_READ_MAX // _OBJECTS_READ_MAX if column.dtype == object else 1)
    if not allowance.is_used_up and cost <= allowance.values:
        allowance.take(cost)
        described["nulls"] = int(column.isna().sum())
    return described


def _describe_index(index: pandas.Index) -> dict:
    if not isinstance(index, pandas.MultiIndex):
        return {"name": _name(index.name), "dtype": _dtype(index.dtype)}
    levels = [
        {"name": _name(name), "dtype": _dtype(level.dtype)}
        for name, level in zip(index.names[:_LEVELS_MAX], index.levels)
    ]
    return {"name": None, "dtype": "multi", "levels": levels}


def _name(value):
    """The name of a column or of a row; where there are several levels, a list."""
    if type(value) is tuple:
        return [_cell(part) for part in value[:_LEVELS_MAX]]
    return _cell(value)


def _dtype(dtype) -> str:
    return bounded.cut(str(dtype), 80)


def _cell(value):
    if value is pandas.NaT or value is pandas.NA:
        return None
    if isinstance(value, _WRITTEN_BY_PANDAS) and type(value).__module__.startswith("pandas."):
        return value.isoformat() if type(value) is pandas.Timestamp else bounded.cut(str(value))
    return bounded.cell(value)

"""What a program gives as a file, and what comes back as one: text, bytes, paths, DataFrames."""

from __future__ import annotations

import io
import os
from base64 import b64encode
from pathlib import Path
from typing import Any, Dict, Union

from .errors import invalid

FileContent = Union[str, bytes, bytearray, memoryview, "os.PathLike[str]", Any]
_FORMATS = "Tables are written as .csv, .tsv, .json, .jsonl or .parquet."


def to_bytes(path: str, content: FileContent) -> Union[bytes, Path]:
    """The bytes of a content, or the path on this machine where they are. A str is text, no path."""
    if isinstance(content, str):
        return content.encode("utf-8", "surrogatepass")
    if isinstance(content, (bytes, bytearray, memoryview)):
        return bytes(content)
    if isinstance(content, os.PathLike):
        return Path(content)
    if hasattr(content, "to_csv"):
        return _table_bytes(path, content)
    if hasattr(content, "read"):
        read = content.read()
        return read.encode() if isinstance(read, str) else bytes(read)
    raise invalid(
        f"{path} cannot be made of {type(content).__name__}.",
        "Give text, bytes, a pathlib.Path, an open file or a DataFrame.",
    )


def whole_bytes(path: str, content: FileContent) -> bytes:
    given = to_bytes(path, content)
    return given.read_bytes() if isinstance(given, Path) else given


def input_file(path: str, content: FileContent) -> Dict[str, str]:
    """One of the ``files`` of an execution."""
    data = whole_bytes(path, content)
    try:
        return {"path": path, "content": data.decode()}
    except UnicodeDecodeError:
        return {"path": path, "content": b64encode(data).decode(), "encoding": "base64"}


def _table_bytes(path: str, table: Any) -> bytes:
    suffix = Path(path).suffix.lower()
    if suffix in (".csv", ".tsv"):
        # The numbers that pandas gives to rows by itself say nothing.
        named = type(table.index).__name__ != "RangeIndex"
        text = table.to_csv(index=named, sep="," if suffix == ".csv" else "\t")
        return str(text).encode()
    if suffix in (".json", ".jsonl"):
        return str(table.to_json(orient="records", lines=suffix == ".jsonl")).encode()
    if suffix == ".parquet":
        buffer = io.BytesIO()
        table.to_parquet(buffer)
        return buffer.getvalue()
    raise invalid(f"A DataFrame cannot become {path!r}.", _FORMATS)


def read_table(path: str, data: bytes, **options: Any) -> Any:
    """A DataFrame of the bytes of a file. Only formats that cannot make a reader run code."""
    import pandas

    suffix = Path(path).suffix.lower()
    source = io.BytesIO(data)
    if suffix in (".csv", ".tsv"):
        return pandas.read_csv(source, **{"sep": "," if suffix == ".csv" else "\t", **options})
    if suffix in (".json", ".jsonl"):
        return pandas.read_json(source, **{"lines": suffix == ".jsonl", **options})
    if suffix == ".parquet":
        return pandas.read_parquet(source, **options)
    raise invalid(f"{path!r} is no table that is read here.", _FORMATS)

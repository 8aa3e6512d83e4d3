"""Tells what code of this session would find: packages, files and what is in them, variables.

Runs inside the sandbox as a question of the gateway, which has no need then to parse a guest's files.
Everything here is bounded by count, by length and by time, as users have millions of files.
"""

import csv
import importlib.util
import io
import json
import os
import re
import sys
import time

_FILES_MAX = 60
_ENTRIES_LOOKED_AT_MAX = 2000
_DESCRIBED_MAX = 15
_HEAD_BYTES = 65_536
_JSON_BYTES_MAX = 1_000_000
_COLUMNS_MAX = 40
_VARIABLES_MAX = 40
_TEXT_MAX = 160
_CELL_MAX = 40
_SECONDS_MAX = 0.5
_IGNORED = frozenset({"__pycache__", ".ipynb_checkpoints", ".git"})

# By the name of the module. What is not here and was installed by the user is found as well.
_PACKAGES = (
    "numpy pandas scipy matplotlib seaborn sklearn statsmodels sympy networkx plotly PIL Bio openpyxl "
    "xlsxwriter lxml bs4 html5lib h5py requests tqdm yaml dateutil jinja2 tabulate pyarrow polars duckdb "
    "torch tensorflow xgboost lightgbm cv2 skimage nltk spacy geopandas shapely pysam anndata scanpy rdkit"
).split()


def main(arguments: dict) -> dict:
    deadline = time.monotonic() + _SECONDS_MAX
    names = arguments.get("namespace")
    answer = {"packages": packages() if arguments["packages"] else []}
    answer["variables"], answer["variables_total"] = variables(_user_names() if names is None else names)
    roots = arguments.get("roots", ["/workspace", "/data"])
    answer["files"], answer["files_truncated"] = files(roots, deadline)
    return answer


# --- packages -----------------------------------------------------------------------------------


def packages() -> list[str]:
    """Name and, where it is imported already, version: looking versions up costs more than all the rest."""
    found = []
    for name in _PACKAGES:
        module = sys.modules.get(name)
        if module is not None:
            version = getattr(module, "__version__", None)
            found.append(f"{name} {version}" if isinstance(version, str) else name)
        elif _exists(name):
            found.append(name)
    return found + _installed_by_user(found)


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError, OSError):
        return False


def _installed_by_user(known: list[str]) -> list[str]:
    names = {line.split(" ")[0].lower() for line in known}
    found = []
    for path in sys.path:
        if not path.startswith(("/tmp/", "/workspace")):
            continue
        try:
            entries = os.listdir(path)[:_ENTRIES_LOOKED_AT_MAX]
        except OSError:
            continue
        for entry in entries:
            match = re.match(r"([\w.]+?)-([\w.+!]+)\.dist-info$", entry)
            if match and match[1].lower() not in names:
                found.append(f"{match[1]} {match[2]}")
    return sorted(found)[:60]


# --- variables ----------------------------------------------------------------------------------


def _user_names() -> dict:
    from IPython import get_ipython

    shell = get_ipython()
    hidden = shell.user_ns_hidden
    return {
        name: value
        for name, value in list(shell.user_ns.items())
        if not name.startswith("_") and hidden.get(name, hidden) is not value
    }


def variables(names: dict) -> tuple[list[dict], int]:
    shown = {name: value for name, value in names.items() if not isinstance(value, type(sys))}
    # The latest are the likeliest to matter.
    latest = list(shown.items())[-_VARIABLES_MAX:]
    found = [
        {"name": name[:80], "type": type(value).__name__[:80], "about": about(value)[:_TEXT_MAX]}
        for name, value in latest
    ]
    return found, len(shown)


def about(value: object) -> str:
    """In a few words. Runs no code of the user's own types."""
    kind = type(value)
    module = kind.__module__.split(".")[0]
    try:
        if kind in (int, float, bool, complex, type(None)):
            return repr(value) if kind is not int or value.bit_length() < 500 else "a big number"
        if kind in (str, bytes):
            return f"length {len(value)}: {value[:60]!r}"
        if kind in (list, tuple, set, frozenset, dict):
            return _about_container(value)
        if module == "pandas" and kind.__name__ == "DataFrame":
            columns = [f"{name}: {dtype}" for name, dtype in zip(value.columns[:20], value.dtypes[:20])]
            return f"{value.shape[0]} rows x {value.shape[1]} columns: {', '.join(columns)}"
        if module in ("pandas", "numpy") and hasattr(kind, "shape") and hasattr(kind, "dtype"):
            return f"shape {value.shape}, {value.dtype}"
        if kind.__name__ == "function":
            code = value.__code__
            return f"({', '.join(code.co_varnames[: code.co_argcount])})"
    except Exception:
        pass
    return ""


def _about_container(value: object) -> str:
    kinds = {type(one).__name__ for one, _ in zip(value, range(50))}
    text = f"length {len(value)}"
    if isinstance(value, dict):
        keys = [one[:30] for one, _ in zip(value, range(10)) if type(one) is str]
        return f"{text}, keys {', '.join(map(repr, keys))}" if keys else text
    return f"{text} of {', '.join(sorted(kinds))}" if kinds else text


# --- files --------------------------------------------------------------------------------------


def files(roots: list[str], deadline: float) -> tuple[list[dict], bool]:
    found, truncated = [], False
    described = looked_at = 0
    for root in roots:
        for folder, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if name not in _IGNORED)
            for name in sorted(names):
                looked_at += 1
                if len(found) >= _FILES_MAX or looked_at > _ENTRIES_LOOKED_AT_MAX:
                    return found, True
                path = os.path.join(folder, name)
                entry = {"path": _printable(path.removeprefix("/workspace/")), "size": _size(path)}
                if described < _DESCRIBED_MAX and time.monotonic() < deadline:
                    schema = describe(path)
                    if schema:
                        entry["schema"] = schema[: 4 * _TEXT_MAX]
                        described += 1
                found.append(entry)
            if time.monotonic() > deadline:
                return found, True
    return found, truncated


def _printable(name: str) -> str:
    """Names are bytes; what is no UTF-8 in them would not pass as JSON."""
    return os.fsencode(name).decode("utf-8", "replace")[:400]


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def describe(path: str) -> str | None:
    """What is in a file of a known kind, or None. Only ordinary files are opened: a FIFO would wait."""
    lower = path.lower()
    if lower.endswith(".gz"):
        return None
    for endings, reader in _READERS:
        if lower.endswith(endings) and os.path.isfile(path) and not os.path.islink(path):
            try:
                return reader(path)
            except Exception as error:
                return f"cannot be read as such: {type(error).__name__}"
    return None


def _head(path: str) -> str:
    with open(path, "rb") as file:
        return file.read(_HEAD_BYTES).decode("utf-8", "replace")


def _table(path: str) -> str:
    head = _head(path)
    lines = head.splitlines()
    if not lines:
        return "empty"
    separator = "\t" if path.lower().endswith((".tsv", ".tab")) else _separator(lines[0])
    rows = list(csv.reader(io.StringIO("\n".join(lines[:50])), delimiter=separator))
    header, body = rows[0], rows[1:]
    columns = [
        f"{_short(name)}: {_kind([row[index] for row in body if index < len(row)])}"
        for index, name in enumerate(header[:_COLUMNS_MAX])
    ]
    more = f", and {len(header) - _COLUMNS_MAX} more" if len(header) > _COLUMNS_MAX else ""
    example = separator.join(_short(cell) for cell in body[0][:10]) if body else ""
    size = _size(path)
    count = len(lines) - 1 if size <= _HEAD_BYTES else int(size / (len(head) / len(lines)))
    about_count = f"{count} rows" if size <= _HEAD_BYTES else f"about {count} rows"
    return f"{about_count}, separated by {separator!r}; columns {', '.join(columns)}{more}; first row {example}"


def _separator(line: str) -> str:
    return max(",;\t|", key=lambda separator: (line.count(separator), separator == ","))


def _short(text: str) -> str:
    return text if len(text) <= _CELL_MAX else text[: _CELL_MAX - 1] + "…"


def _kind(values: list[str]) -> str:
    filled = [value for value in values if value.strip() != ""]
    for name, convert in (("int", int), ("float", float)):
        try:
            for value in filled:
                convert(value)
        except ValueError:
            continue
        return name if filled else "empty"
    return "text"


def _json(path: str) -> str:
    if _size(path) > _JSON_BYTES_MAX:
        return "JSON, too large to look into"
    with open(path, encoding="utf-8") as file:
        return _shape(json.load(file), 2)


def _json_lines(path: str) -> str:
    lines = _head(path).splitlines()
    first = next((line for line in lines if line.strip()), "null")
    return f"one JSON value a line; the first: {_shape(json.loads(first), 1)}"


def _shape(value: object, depth: int) -> str:
    if isinstance(value, dict):
        if depth == 0:
            return f"object of {len(value)} keys"
        keys = [f"{_short(key)!r}: {_shape(one, depth - 1)}" for key, one in list(value.items())[:20]]
        return "{" + ", ".join(keys) + (", …" if len(value) > 20 else "") + "}"
    if isinstance(value, list):
        return f"list of {len(value)}" + (f" x {_shape(value[0], depth - 1)}" if value and depth else "")
    return type(value).__name__


def _parquet(path: str) -> str:
    # Only where it is loaded already or small to load: the reader is the user's to import.
    if importlib.util.find_spec("pyarrow") is None:
        return "Parquet; no package here can read it"
    import pyarrow.parquet

    file = pyarrow.parquet.ParquetFile(path)
    columns = [f"{_short(one.name)}: {one.type}" for one in list(file.schema_arrow)[:_COLUMNS_MAX]]
    return f"{file.metadata.num_rows} rows; columns {', '.join(columns)}"


def _fasta(path: str) -> str:
    head = _head(path)
    names = [line[1:] for line in head.splitlines() if line.startswith(">")]
    letters = {char for line in head.splitlines() if not line.startswith(">") for char in line.upper()}
    kind = "nucleotides" if letters <= set("ACGTUN-.") else "amino acids or other letters"
    at_least = "" if _size(path) <= _HEAD_BYTES else "at least "
    first = ", ".join(_short(name) for name in names[:3])
    return f"FASTA, {at_least}{len(names)} sequences of {kind}; the first: {first}"


def _features(path: str) -> str:
    rows = [line.split("\t") for line in _head(path).splitlines() if line and line[0] != "#"]
    rows = [row for row in rows if len(row) >= 8]
    sequences = sorted({row[0] for row in rows})
    kinds = sorted({row[2] for row in rows})
    at_least = "" if _size(path) <= _HEAD_BYTES else "at least "
    return (
        f"{at_least}{len(rows)} features; sequences {', '.join(map(_short, sequences[:5]))}; "
        f"types {', '.join(map(_short, kinds[:10]))}"
    )


_READERS = (
    ((".csv", ".tsv", ".tab"), _table),
    ((".jsonl", ".ndjson"), _json_lines),
    ((".json", ".geojson"), _json),
    ((".parquet",), _parquet),
    ((".fasta", ".fa", ".fna", ".faa"), _fasta),
    ((".gff", ".gff3", ".gtf"), _features),
)

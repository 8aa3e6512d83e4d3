"""Answers of runs, and how they show themselves in Jupyter."""

from __future__ import annotations

from base64 import b64decode
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from .errors import CodeError, GloveboxError, error_of_answer

_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_TABLE = "application/vnd.glovebox.table+json"
_CHART = "application/vnd.glovebox.chart+json"


class Answer(Mapping[str, Any]):
    """JSON of the server: ``answer["field"]`` and ``answer.field``; names are those of docs/api.md."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = dict(fields)

    def __getitem__(self, name: str) -> Any:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __getattr__(self, name: str) -> Any:
        # Before __init__, as when it is copied, there are no fields to look in.
        fields = self.__dict__.get("_fields", {})
        if name in fields:
            return fields[name]
        raise AttributeError(f"{type(self).__name__} has no field {name!r}")

    def __dir__(self) -> List[str]:
        return [*super().__dir__(), *self._fields]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._fields!r})"


class Result(Answer):
    """How a run ended. ``docs/api.md`` has the fields; the most used are spelled out here."""

    status: str
    stdout: str
    stderr: str
    exit_code: int
    execution_time: float
    result_text: Optional[str]
    result_base64: Optional[str]
    outputs: List[Dict[str, Any]]
    error: Optional[Dict[str, Any]]
    files_created: List[str]
    files_modified: List[str]
    session_id: Optional[str]
    execution_id: Optional[int]
    execution_count: Optional[int]
    truncated: bool
    usage: Dict[str, Any]

    @property
    def ok(self) -> bool:
        return bool(self["status"] == "ok")

    @property
    def text(self) -> str:
        """All text in order, as a person would have seen it."""
        return self["result_text"] or ""

    def raise_for_error(self) -> "Result":
        """Itself, or ``CodeError`` (``CODE_FAILED``) where the code did not end with ``ok``."""
        if self.ok:
            return self
        told = self["error"] or {}
        name, value = told.get("ename") or self["status"], told.get("evalue") or ""
        error = CodeError("CODE_FAILED", f"{name}: {value}".rstrip(": "), hint=told.get("hint"))
        error.result = self
        raise error

    def image_bytes(self) -> List[Tuple[str, bytes]]:
        """MIME type and bytes of each image that was shown, in order. SVG is text, and not among them."""
        found = (_image_of(bundle) for bundle in self._bundles())
        return [image for image in found if image is not None]

    @property
    def images(self) -> List[Any]:
        """The images as those of Pillow, which has to be installed."""
        import io

        from PIL import Image

        return [Image.open(io.BytesIO(data)) for _, data in self.image_bytes()]

    @property
    def charts(self) -> List[Dict[str, Any]]:
        """What matplotlib figures show, as data; see docs/rich-results.md."""
        return [bundle[_CHART] for bundle in self._bundles() if _CHART in bundle]

    @property
    def tables(self) -> List[Any]:
        """The first rows of each DataFrame that was shown: as DataFrames where pandas is installed,
        else as the JSON of docs/rich-results.md. Whole tables go by files."""
        tables = [bundle[_TABLE] for bundle in self._bundles() if _TABLE in bundle]
        try:
            import pandas  # noqa: F401
        except ImportError:
            return tables
        return [_frame(table) for table in tables]

    @property
    def file_bytes(self) -> Dict[str, bytes]:
        """With ``include_files``: the small files that the run has made, by path."""
        files = self.get("files") or []
        return {one["path"]: _content_of(one) for one in files if one["content"] is not None}

    def save_image(self, path: str, index: int = -1) -> None:
        """Write one of the images to this machine; default the last one."""
        images = self.image_bytes()
        try:
            data = images[index][1]
        except IndexError:
            raise GloveboxError(
                "INVALID_ARGUMENT",
                f"The run has shown {len(images)} images.",
                hint="matplotlib figures are shown at the end of a run without plt.show().",
            ) from None
        with open(path, "wb") as file:
            file.write(data)

    def _bundles(self) -> Iterator[Mapping[str, Any]]:
        return (output["data"] for output in self["outputs"] if "data" in output)

    def __repr__(self) -> str:
        lines = self.text.rstrip()
        beginning = lines if len(lines) <= 2000 else f"{lines[:2000]}…"
        shown = "" if beginning == "" else f"\n{beginning}"
        return f"<Result {self['status']}, {self['execution_time']:.3f} s>{shown}"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Dict[str, Any]:
        """Everything in its order, for Jupyter.

        What a sandbox shows is a guest's: its HTML, SVG and JavaScript could act as the reader in the
        notebook. Only text, escaped, and bitmaps are shown, and tables are made anew of their data.
        """
        from ._show import page

        return {"text/plain": repr(self), "text/html": page(self["status"], self["outputs"])}


class BatchItem(Answer):
    """One result of a batch: ``index``, ``id``, ``state``, ``result`` or None, ``error`` or None."""

    index: int
    id: Optional[str]
    state: str
    result: Optional[Result]
    error: Optional[Dict[str, Any]]

    def __init__(self, fields: Mapping[str, Any]) -> None:
        told = fields["result"]
        super().__init__({**fields, "result": None if told is None else Result(told)})

    @property
    def ok(self) -> bool:
        result = self["result"]
        return result is not None and result.ok

    def raise_for_error(self) -> Result:
        """The result, or an error: ``CodeError``, or why it was not run."""
        result = self["result"]
        if result is None:
            raise error_of_answer({"error": self["error"]}, None)
        return Result.raise_for_error(result)


class Batch(Sequence[BatchItem]):
    """The results of a batch, in the order of its items."""

    def __init__(self, items: Sequence[BatchItem]) -> None:
        self._items = tuple(items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    @property
    def ok(self) -> int:
        return sum(item.ok for item in self._items)

    @property
    def failed(self) -> int:
        return sum(item["state"] == "done" and not item.ok for item in self._items)

    @property
    def not_run(self) -> int:
        return sum(item["state"] != "done" for item in self._items)

    def __repr__(self) -> str:
        return f"<Batch of {len(self)}: {self.ok} ok, {self.failed} failed, {self.not_run} not run>"


def _content_of(file: Mapping[str, Any]) -> bytes:
    content = str(file["content"])
    return b64decode(content) if file["encoding"] == "base64" else content.encode()


def _image_of(bundle: Mapping[str, Any]) -> Optional[Tuple[str, bytes]]:
    for mime_type in _IMAGES:
        data = bundle.get(mime_type)
        # nbformat allows a list of lines where a text may stand.
        text = "".join(data) if isinstance(data, list) else data
        if isinstance(text, str):
            try:
                return mime_type, b64decode(text)
            except ValueError:
                return None
    return None


def _frame(table: Mapping[str, Any]) -> Any:
    import pandas

    names = [_label(column["name"]) for column in table["columns"]]
    head = table["index"]["head"]
    nested = bool(head) and isinstance(head[0], list)
    index = pandas.MultiIndex.from_tuples([tuple(one) for one in head]) if nested else head
    frame = pandas.DataFrame(table["head"], columns=range(len(names)), index=index)
    frame.columns = (
        pandas.MultiIndex.from_tuples(names)
        if names and all(isinstance(name, tuple) for name in names)
        else pandas.Index(names)
    )
    if table["index"].get("dtype") != "multi":
        frame.index.name = _label(table["index"]["name"])
    for at, column in enumerate(table["columns"]):
        if str(column["dtype"]).startswith("datetime64"):
            # By place, as two columns may have one name.
            frame.isetitem(at, pandas.to_datetime(frame.iloc[:, at]))
    frame.attrs.update(shape=tuple(table["shape"]), truncated=table["truncated"])
    return frame


def _label(name: Any) -> Any:
    return tuple(name) if isinstance(name, list) else name

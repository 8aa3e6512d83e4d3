"""A run as HTML that can do no harm, whatever its code has shown."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import Any, List, Mapping, Sequence

from .results import _TABLE, _image_of

_TEXT_MAX = 20_000


def page(status: str, outputs: Sequence[Mapping[str, Any]]) -> str:
    parts = [part for output in outputs for part in _shown(output)]
    if status != "ok":
        parts.insert(0, f"<div><b>{escape(status)}</b></div>")
    return "\n".join(parts) or "<i>no output</i>"


def _shown(output: Mapping[str, Any]) -> List[str]:
    kind = output["output_type"]
    if kind == "stream":
        red = output["name"] == "stderr"
        return [_text(str(output["text"]), red)]
    if kind == "error":
        return [_text("\n".join(map(str, output["traceback"])), True)]
    bundle = output["data"]
    image = _image_of(bundle)
    if image is not None:
        mime_type, data = image
        # Written anew, so that nothing but base64 stands between the quotes.
        source = f"data:{mime_type};base64,{b64encode(data).decode()}"
        return [f'<img style="max-width:100%" alt="figure" src="{source}">']
    if isinstance(bundle.get(_TABLE), dict):
        return [_table(bundle[_TABLE])]
    text = bundle.get("text/plain", bundle.get("text/markdown", ", ".join(bundle)))
    return [_text("".join(text) if isinstance(text, list) else str(text), False)]


def _text(text: str, red: bool) -> str:
    if len(text) > _TEXT_MAX:
        half = _TEXT_MAX // 2
        text = f"{text[:half]}\n[{len(text) - 2 * half} characters left out]\n{text[-half:]}"
    style = ' style="color:#b00"' if red else ""
    return f"<pre{style}>{escape(text)}</pre>" if text.strip() else ""


def _table(table: Mapping[str, Any]) -> str:
    cells = [_cell("th", "")] + [_cell("th", column["name"]) for column in table["columns"]]
    rows = [f"<tr>{''.join(cells)}</tr>"]
    for label, row in zip(table["index"]["head"], table["head"]):
        rows.append(f"<tr>{_cell('th', label)}{''.join(_cell('td', value) for value in row)}</tr>")
    shape = " × ".join(str(length) for length in table["shape"])
    return f"<table>{''.join(rows)}</table><div>{escape(shape)}</div>"


def _cell(tag: str, value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else value
    return f"<{tag}>{escape(str(text))}</{tag}>"

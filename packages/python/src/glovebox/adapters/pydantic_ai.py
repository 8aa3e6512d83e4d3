"""A tool for Pydantic AI: ``code_interpreter()``."""

from __future__ import annotations

from typing import Any, Optional

from pydantic_ai import BinaryContent, ModelRetry, Tool, ToolReturn

from ..errors import GloveboxError
from ..tool import describe_for_model
from ._runner import DESCRIPTION, NAME, PARAMETERS, Runner


def code_interpreter(
    session_id: Optional[str] = None, *, images: bool = True, **options: Any
) -> "Tool[Any]":
    """The model reads text and, unless ``images`` is false, sees the figures.

    Options: ``timeout`` of each run, ``base_url``, ``token``.
    """
    runner = Runner(session_id, **options)

    async def run(code: Any = None, timeout: Any = None, **unknown: Any) -> ToolReturn:
        try:
            result = await runner.arun(code, timeout)
        except GloveboxError as error:
            if error.code == "INVALID_ARGUMENT":
                raise ModelRetry(str(error)) from error
            raise
        shown = result.image_bytes() if images else []
        content = [BinaryContent(data, media_type=kind) for kind, data in shown]
        return ToolReturn(describe_for_model(result), content=content or None, metadata=result)

    return Tool.from_schema(run, name=NAME, description=DESCRIPTION, json_schema=PARAMETERS)

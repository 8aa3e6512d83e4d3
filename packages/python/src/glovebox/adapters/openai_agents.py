"""A function tool for the OpenAI Agents SDK: ``code_interpreter()``."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any, List, Optional

from agents import FunctionTool, ToolOutputImage, ToolOutputText

from ..errors import GloveboxError
from ..tool import describe_for_model
from ._runner import DESCRIPTION, NAME, PARAMETERS, Runner


def code_interpreter(
    session_id: Optional[str] = None, *, images: bool = True, **options: Any
) -> FunctionTool:
    """The model reads text and, unless ``images`` is false, sees the figures.

    Options: ``timeout`` of each run, ``base_url``, ``token``.
    """
    runner = Runner(session_id, **options)

    async def invoke(context: Any, arguments: str) -> List[Any]:
        try:
            told = json.loads(arguments)
            result = await runner.arun(told.get("code"), told.get("timeout"))
        except (ValueError, AttributeError, GloveboxError) as error:
            # A model that has made a mistake may correct it.
            return [ToolOutputText(text=f"error: {error}")]
        shown = result.image_bytes() if images else []
        return [ToolOutputText(text=describe_for_model(result))] + [
            ToolOutputImage(image_url=f"data:{kind};base64,{b64encode(data).decode()}")
            for kind, data in shown
        ]

    return FunctionTool(NAME, DESCRIPTION, PARAMETERS, invoke, strict_json_schema=False)

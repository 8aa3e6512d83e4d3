"""A tool for LangChain and LangGraph: ``code_interpreter()``."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from langchain_core.tools import StructuredTool

from ..results import Result
from ..tool import describe_for_model
from ._runner import DESCRIPTION, NAME, PARAMETERS, Runner


def code_interpreter(session_id: Optional[str] = None, **options: Any) -> StructuredTool:
    """The model reads text; the whole ``Result``, with its figures, is the message's artifact.

    Options: ``timeout`` of each run, ``base_url``, ``token``.
    """
    runner = Runner(session_id, **options)

    def run(code: str, timeout: Optional[float] = None) -> Tuple[str, Result]:
        result = runner.run(code, timeout)
        return describe_for_model(result), result

    async def arun(code: str, timeout: Optional[float] = None) -> Tuple[str, Result]:
        result = await runner.arun(code, timeout)
        return describe_for_model(result), result

    return StructuredTool.from_function(
        run,
        arun,
        name=NAME,
        description=DESCRIPTION,
        args_schema=PARAMETERS,
        response_format="content_and_artifact",
    )

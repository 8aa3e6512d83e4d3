"""A tool for LlamaIndex: ``code_interpreter()``."""

from __future__ import annotations

from typing import Any, Optional

from llama_index.core.tools import FunctionTool

from ..results import Result
from ..tool import describe_for_model
from ._runner import DESCRIPTION, NAME, Runner


def code_interpreter(session_id: Optional[str] = None, **options: Any) -> FunctionTool:
    """The model reads text; ``raw_output`` is the ``Result``.

    Options: ``timeout`` of each run, ``base_url``, ``token``.
    """
    runner = Runner(session_id, **options)

    def run(code: str, timeout: Optional[float] = None) -> Result:
        return runner.run(code, timeout)

    async def arun(code: str, timeout: Optional[float] = None) -> Result:
        return await runner.arun(code, timeout)

    async def told(result: Result) -> str:
        return describe_for_model(result)

    return FunctionTool.from_defaults(
        run,
        name=NAME,
        description=DESCRIPTION,
        async_fn=arun,
        callback=describe_for_model,
        async_callback=told,
    )

"""A code executor for AutoGen: ``GloveboxCodeExecutor()``."""

from __future__ import annotations

import asyncio
from typing import Any, List, Optional

from autogen_core import CancellationToken
from autogen_core.code_executor import CodeBlock, CodeExecutor, CodeResult

from ._runner import Runner


class GloveboxCodeExecutor(CodeExecutor):
    """Runs blocks of Python one after the other in one session, up to the first that fails.

    ``stop`` ends the session; a cancelled run is interrupted.
    """

    def __init__(self, session_id: Optional[str] = None, **options: Any) -> None:
        self._runner = Runner(session_id, **options)

    async def execute_code_blocks(
        self, code_blocks: List[CodeBlock], cancellation_token: CancellationToken
    ) -> CodeResult:
        output = ""
        for block in code_blocks:
            if block.language.lower() not in ("python", "py", "python3", ""):
                told = f"{block.language} cannot be run here; write Python instead."
                return CodeResult(exit_code=1, output=output + told)
            running = asyncio.ensure_future(self._runner.arun(block.code))
            cancellation_token.link_future(running)
            result = await running
            output += result.text
            if not result.ok:
                hint = (result.error or {}).get("hint") or ""
                told = f"{output}\n{result.status}: {hint}" if hint else output
                return CodeResult(exit_code=result.exit_code or 1, output=told)
        return CodeResult(exit_code=0, output=output)

    async def start(self) -> None:
        """The session is made with its first run."""

    async def stop(self) -> None:
        await self._runner.aend()

    async def restart(self) -> None:
        await self._runner.aend()

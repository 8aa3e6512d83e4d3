"""An executor for smolagents: ``CodeAgent(..., executor=GloveboxExecutor())``."""

from __future__ import annotations

import json
from typing import Any, List, Optional

from smolagents.local_python_executor import CodeOutput
from smolagents.monitoring import AgentLogger, LogLevel
from smolagents.remote_executors import RemotePythonExecutor
from smolagents.utils import AgentError

from .._sync.client import Client
from ..results import Result
from ..tool import python_value


_MISSING = """
def _missing(names):
    import importlib.metadata, importlib.util, json
    def there(name):
        try:
            return bool(importlib.metadata.distribution(name))
        except importlib.metadata.PackageNotFoundError:
            return name.isidentifier() and importlib.util.find_spec(name) is not None
    print(json.dumps([name for name in names if not there(name)]))
_missing({names})
del _missing
"""


class GloveboxExecutor(RemotePythonExecutor):
    """A session that the agent's code, tools and variables live in.

    What comes back is never unpickled: a sandbox's pickle could do anything here. Packages come from
    the server's folder of wheels. ``cleanup()`` ends the session.
    """

    def __init__(
        self,
        additional_imports: Optional[List[str]] = None,
        logger: Optional[AgentLogger] = None,
        *,
        timeout: Optional[float] = None,
        base_url: Optional[str] = None,
        token: Optional[str] = None,
    ) -> None:
        super().__init__(additional_imports or [], logger or AgentLogger(level=LogLevel.ERROR))
        self._timeout = timeout
        self._client = Client(base_url, token)
        self.session = self._client.create_session()
        self.installed_packages = self.install_packages(additional_imports or [])

    def run_code_raise_errors(self, code: str) -> CodeOutput:
        result = self.session.run(code, timeout=self._timeout)
        error = result.error or {}
        if error.get("ename") == self.FINAL_ANSWER_EXCEPTION:
            answer = self._deserialize_final_answer(error["evalue"], False)
            return CodeOutput(output=answer, logs=result.stdout, is_final_answer=True)
        if not result.ok:
            raise AgentError(f"{result.status}\n{result.text}\n{error.get('hint') or ''}", self.logger)
        return CodeOutput(output=_value_of(result), logs=result.stdout, is_final_answer=False)

    def install_packages(self, additional_imports: List[str]) -> List[str]:
        """Installs what the sandbox does not have."""
        names = [name for name in additional_imports if name != "*"]
        listed = self.session.run(_MISSING.format(names=python_value(names))).raise_for_error()
        missing = json.loads(listed.stdout)
        if missing:
            self.session.install_packages(missing)
        return additional_imports

    def cleanup(self) -> None:
        self.session.release()
        self._client.close()


def _value_of(result: Result) -> Any:
    """The value of the last line: an image where it is one, else its text."""
    for output in reversed(result.outputs):
        if output["output_type"] == "execute_result":
            return output["data"].get("text/plain")
    images = result.images
    return images[-1] if images else None

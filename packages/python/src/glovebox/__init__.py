"""A client of Glovebox, a self-hosted service that runs untrusted Python.

    from glovebox import Client

    with Client() as client, client.create_session() as session:
        session.run("import numpy as np; data = np.arange(10)")
        print(session.run("data.mean()").text)

``AsyncClient`` has the same methods as coroutines. Names are looked up when they are first used, so
that importing this package costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, List

if TYPE_CHECKING:
    from ._async.admin import AsyncAdmin, AsyncKeys
    from ._async.client import AsyncClient
    from ._async.files import AsyncFiles
    from ._async.session import AsyncSession
    from ._async.streams import AsyncStream
    from ._sync.admin import Admin, Keys
    from ._sync.client import Client
    from ._sync.files import Files
    from ._sync.session import Session
    from ._sync.streams import Stream
    from .errors import (
        AuthenticationError,
        CapacityError,
        CodeError,
        ConnectionError,
        GloveboxError,
        NotFoundError,
        RateLimitError,
        TimeoutError,
    )
    from .events import Event
    from .results import Answer, Batch, BatchItem, Result
    from .tool import (
        code_interpreter_definition,
        code_interpreter_tool,
        describe_for_model,
        python_value,
        run_code_interpreter,
    )

__version__ = "0.1.0"

_WHERE = {
    "_async.admin": ["AsyncAdmin", "AsyncKeys"],
    "_async.client": ["AsyncClient"],
    "_async.files": ["AsyncFiles"],
    "_async.session": ["AsyncSession"],
    "_async.streams": ["AsyncStream"],
    "_sync.admin": ["Admin", "Keys"],
    "_sync.client": ["Client"],
    "_sync.files": ["Files"],
    "_sync.session": ["Session"],
    "_sync.streams": ["Stream"],
    "errors": [
        "AuthenticationError",
        "CapacityError",
        "CodeError",
        "ConnectionError",
        "GloveboxError",
        "NotFoundError",
        "RateLimitError",
        "TimeoutError",
    ],
    "events": ["Event"],
    "results": ["Answer", "Batch", "BatchItem", "Result"],
    "tool": [
        "code_interpreter_definition",
        "code_interpreter_tool",
        "describe_for_model",
        "python_value",
        "run_code_interpreter",
    ],
}
_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

__all__ = [
    "Admin",
    "Answer",
    "AsyncAdmin",
    "AsyncClient",
    "AsyncFiles",
    "AsyncKeys",
    "AsyncSession",
    "AsyncStream",
    "AuthenticationError",
    "Batch",
    "BatchItem",
    "CapacityError",
    "Client",
    "CodeError",
    "ConnectionError",
    "Event",
    "Files",
    "GloveboxError",
    "Keys",
    "NotFoundError",
    "RateLimitError",
    "Result",
    "Session",
    "Stream",
    "TimeoutError",
    "code_interpreter_definition",
    "code_interpreter_tool",
    "describe_for_model",
    "python_value",
    "run_code_interpreter",
]


def __getattr__(name: str) -> Any:
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{module}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})

"""Everything that goes wrong between a program and its answer. Code that fails is no error."""

from __future__ import annotations

import builtins
from typing import Any, Dict, Optional, Type

#: Codes of the server and their HTTP status; ``packages/server/src/errors.ts`` has what they mean.
#: A test of the repository holds both equal.
SERVER_CODES: Dict[str, int] = {
    "INVALID_REQUEST": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "REQUEST_TOO_LARGE": 413,
    "TOO_MANY_BODIES": 429,
    "CODE_TOO_LARGE": 413,
    "ANSWER_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "KEY_NOT_FOUND": 404,
    "KEYS_EXHAUSTED": 409,
    "QUOTA_EXCEEDED": 429,
    "SESSION_NOT_FOUND": 404,
    "SESSION_EXISTS": 409,
    "SESSION_BUSY": 429,
    "SANDBOX_NOT_FOUND": 404,
    "POOL_EXHAUSTED": 503,
    "SANDBOX_START_FAILED": 503,
    "MOUNT_FAILED": 503,
    "PACKAGES_UNAVAILABLE": 409,
    "PACKAGE_INSTALL_FAILED": 422,
    "EXECUTION_NOT_FOUND": 404,
    "EXECUTION_CANCELLED": 409,
    "EXECUTION_RUNNING": 409,
    "EXECUTION_ENDED": 409,
    "NOTHING_RUNNING": 409,
    "NO_INPUT_REQUESTED": 409,
    "QUESTION_UNANSWERED": 409,
    "FILE_NOT_FOUND": 404,
    "INVALID_PATH": 400,
    "FILE_ACCESS_DENIED": 403,
    "NOT_A_DIRECTORY": 409,
    "IS_A_DIRECTORY": 409,
    "FILE_EXISTS": 409,
    "DIRECTORY_NOT_EMPTY": 409,
    "FILE_TOO_LARGE": 413,
    "RANGE_NOT_SATISFIABLE": 416,
    "TOO_MANY_TRANSFERS": 429,
    "TRANSFER_INTERRUPTED": 503,
    "LLM_NOT_CONFIGURED": 503,
    "LLM_UNAUTHORIZED": 502,
    "LLM_RATE_LIMITED": 429,
    "LLM_TIMEOUT": 504,
    "LLM_INCOMPLETE": 502,
    "LLM_ANSWER_TOO_LONG": 502,
    "LLM_REFUSED": 422,
    "LLM_NO_CODE": 502,
    "LLM_UPSTREAM_FAILED": 502,
    "LLM_NOT_RECORDED": 502,
    "PANICKED": 503,
    "SHUTTING_DOWN": 503,
    "AUDIT_UNAVAILABLE": 503,
    "ISOLATION_UNAVAILABLE": 503,
    "INTERNAL": 500,
}

#: What only a client can find.
CLIENT_CODES = (
    "CONNECTION_FAILED",
    "TIMEOUT",
    "STREAM_CLOSED",
    "INVALID_RESPONSE",
    "INVALID_ARGUMENT",
    "CODE_FAILED",
)


class GloveboxError(Exception):
    """The base of all errors of this package."""

    #: Stable; what programs look at. A newer server may send others than ``SERVER_CODES``.
    code: str
    message: str
    #: What to do about it.
    hint: Optional[str]
    #: Of the HTTP answer.
    status: Optional[int]
    #: Found again in the server's log.
    request_id: Optional[str]
    #: Seconds that the server asks to wait.
    retry_after: Optional[float]

    def __init__(
        self,
        code: str,
        message: str,
        *,
        hint: Optional[str] = None,
        status: Optional[int] = None,
        request_id: Optional[str] = None,
        retry_after: Optional[float] = None,
    ) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.hint = hint
        self.status = status
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        hint = "" if self.hint is None else f" {self.hint}"
        return f"{self.message}{hint} [{self.code}]"

    def __reduce__(self) -> Any:
        # Errors come back from the processes of a pool, and keyword arguments are no part of args.
        return (_rebuilt, (type(self), dict(self.__dict__)))


def _rebuilt(error_class: Type[GloveboxError], fields: Dict[str, Any]) -> GloveboxError:
    error = error_class(fields["code"], fields["message"])
    error.__dict__.update(fields)
    return error


class AuthenticationError(GloveboxError):
    """No token or a wrong one (401), or one that opens this only to admins (403)."""


class NotFoundError(GloveboxError):
    """There is no such session, execution, file, key or sandbox (404)."""


class RateLimitError(GloveboxError):
    """Too much was asked by this key or of this session (429)."""


class CapacityError(GloveboxError):
    """The server has no room, or lets nothing in now (503)."""


class ConnectionError(GloveboxError, builtins.ConnectionError):
    """The server was not reached, or the connection broke. What was asked for may have happened."""


class TimeoutError(GloveboxError, builtins.TimeoutError):
    """There was no answer in time. What was asked for may have happened."""


class CodeError(GloveboxError):
    """Code that failed, for who asked by ``Result.raise_for_error``. ``result`` is the answer."""

    result: Any


_BY_STATUS: Dict[int, Type[GloveboxError]] = {
    401: AuthenticationError,
    404: NotFoundError,
    429: RateLimitError,
    503: CapacityError,
}


def invalid(message: str, hint: Optional[str] = None) -> GloveboxError:
    """Arguments that could never become a request."""
    return GloveboxError("INVALID_ARGUMENT", message, hint=hint)


def error_of_answer(
    body: object, status: Optional[int], retry_after: Optional[float] = None
) -> GloveboxError:
    """The error of an answer, or of a ``failure`` event, which has no status of its own."""
    told = body.get("error") if isinstance(body, dict) else None
    if not isinstance(told, dict) or not isinstance(told.get("code"), str):
        return GloveboxError(
            "INVALID_RESPONSE",
            f"The answer, HTTP {status}, is not Glovebox's.",
            hint="Check base_url, and what stands between this program and the server.",
            status=status,
            retry_after=retry_after,
        )
    code = told["code"]
    # The other 403s are about files, and no better token helps.
    by_status = _BY_STATUS.get(status or SERVER_CODES.get(code, 0), GloveboxError)
    error_class = AuthenticationError if code == "FORBIDDEN" else by_status
    wait_ms = told.get("retry_after_ms")
    return error_class(
        code,
        str(told.get("message", code)),
        hint=_text(told.get("hint")),
        status=status,
        request_id=_text(told.get("request_id")),
        retry_after=wait_ms / 1000 if isinstance(wait_ms, (int, float)) else retry_after,
    )


def _text(value: object) -> Optional[str]:
    return value if isinstance(value, str) else None

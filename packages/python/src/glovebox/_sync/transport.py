# Made of _async/transport.py by tools/make_sync.py.
"""One HTTP request and its answer: token, timeout, errors, and repeating what is safe to repeat.

An execution that may have begun is never sent twice.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Dict, Optional

from .._requests import Json, Request, retry_delay
from .._settings import Settings
from ..errors import ConnectionError, GloveboxError, TimeoutError, error_of_answer
from ._ways import make_http_client, pause

if TYPE_CHECKING:
    import httpx

#: Far more than the largest answer of a server.
ANSWER_BYTES_MAX = 256 * 1024 * 1024
_CONNECT_MAX = 10.0


class Transport:
    def __init__(self, settings: Settings, http: Optional["httpx.Client"]) -> None:
        self._settings = settings
        self._http = http
        self._own = http is None

    def close(self) -> None:
        """Close the connections, if they are this client's own."""
        if self._http is not None and self._own:
            self._http.close()
            self._http = None

    def json(self, request: Request) -> Json:
        """The JSON of the answer, which is an object."""
        response = self.open(request)
        try:
            text = self._text(response)
        except (GloveboxError, ImportError):
            raise
        except Exception as error:
            raise self.explained(error) from error
        finally:
            response.close()
        body = _parsed(text)
        if not isinstance(body, dict):
            raise GloveboxError(
                "INVALID_RESPONSE",
                f"The answer, HTTP {response.status_code}, is no JSON object.",
                hint="Check base_url, and what stands between this program and the server.",
                status=response.status_code,
            )
        if not response.is_success and "error" in body:
            raise error_of_answer(body, response.status_code)
        return body

    def done(self, request: Request) -> None:
        """For requests that are answered with nothing of interest."""
        response = self.open(request)
        response.close()

    def open(self, request: Request) -> "httpx.Response":
        """An answer whose body is still to be read, and which has to be closed."""
        attempt = 0
        may_have_happened = False
        while True:
            try:
                return self._attempt(request)
            except GloveboxError as error:
                # The first DELETE may have arrived although its answer did not.
                if may_have_happened and request.method == "DELETE" and error.status == 404:
                    return self._no_content()
                retries = self._settings.retries
                delay = retry_delay(request, error, attempt) if attempt < retries else None
                if delay is None:
                    raise
                may_have_happened = may_have_happened or isinstance(error, ConnectionError)
                attempt += 1
            pause(delay)

    def _attempt(self, request: Request) -> "httpx.Response":
        try:
            http = self._client()
            response = http.send(self._built(http, request), stream=True)
            if response.is_success or response.status_code in request.accept:
                return response
            try:
                text = self._text(response)
            finally:
                response.close()
        except (GloveboxError, ImportError):
            raise
        except Exception as error:
            raise self.explained(error) from error
        wait = _number(response.headers.get("retry-after"))
        raise error_of_answer(_parsed(text), response.status_code, wait)

    def _client(self) -> "httpx.Client":
        if self._http is None:
            import httpx

            # A proxy of the environment or a .netrc would see, or replace, what is sent to a sandbox.
            # A redirect would turn a POST into a GET, or carry code and token to somewhere else.
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=32)
            options: Dict[str, Any] = {"trust_env": False, "follow_redirects": False}
            if self._settings.base_url.startswith("http:"):
                # Certificates, which take long to load, have no say over plain HTTP.
                options["verify"] = False
            self._http = make_http_client({**options, "limits": limits})
        return self._http

    def _built(self, http: "httpx.Client", request: Request) -> "httpx.Request":
        import httpx

        own = request.timeout is not None and request.timeout < 0
        seconds = self._settings.timeout if own else request.timeout
        headers = {"accept": "application/json", **request.headers}
        if self._settings.token is not None:
            headers["authorization"] = f"Bearer {self._settings.token}"
        content = request.content
        if request.json is not None:
            headers["content-type"] = "application/json"
            content = json.dumps(request.json, allow_nan=False).encode()
        query = {name: _spelled(value) for name, value in request.query.items() if value is not None}
        return http.build_request(
            request.method,
            f"{self._settings.base_url}/{request.path}",
            content=content,
            files=request.files,
            params=query or None,
            headers=headers,
            timeout=httpx.Timeout(seconds, connect=_CONNECT_MAX, pool=None),
        )

    def _text(self, response: "httpx.Response") -> str:
        """What an answer unpacks to may go on without end."""
        pieces, length = [], 0
        for piece in response.iter_bytes():
            length += len(piece)
            if length > ANSWER_BYTES_MAX:
                raise GloveboxError(
                    "INVALID_RESPONSE", "The answer is longer than any of a Glovebox server."
                )
            pieces.append(piece)
        return b"".join(pieces).decode("utf-8", "replace")

    def _no_content(self) -> "httpx.Response":
        import httpx

        return httpx.Response(204)

    def explained(self, error: Exception) -> Exception:
        """What httpx raises, as an error of this package."""
        if isinstance(error, (GloveboxError, ImportError)):
            return error
        import httpx

        where = self._settings.base_url
        if isinstance(error, httpx.TimeoutException):
            if isinstance(error, httpx.ConnectTimeout):
                return _unreached(where, error)
            return TimeoutError(
                "TIMEOUT",
                f"There was no answer from {where} in time.",
                hint="Raise timeout, or look at GET /health and the server's log.",
            )
        if isinstance(error, (httpx.TransportError, httpx.InvalidURL)):
            return _unreached(where, error)
        if isinstance(error, (ValueError, TypeError)):
            return GloveboxError("INVALID_ARGUMENT", f"This cannot be sent: {error}.")
        return error


def _unreached(where: str, error: Exception) -> ConnectionError:
    return ConnectionError(
        "CONNECTION_FAILED",
        f"No answer from {where}: {str(error) or type(error).__name__}.",
        hint="Is the server running, and is base_url or GLOVEBOX_URL right?",
    )


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _number(text: Optional[str]) -> Optional[float]:
    return float(text) if text is not None and text.isdigit() else None


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)

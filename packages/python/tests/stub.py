"""A server that answers as a test says, and remembers what it was asked."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

Answer = Union[Tuple[int, Any], Tuple[int, Any, Dict[str, str]], None]


def error(code: str, **fields: Any) -> Dict[str, Any]:
    return {"detail": code, "error": {"code": code, "message": code, "request_id": "r", **fields}}


def events(*told: Tuple[str, Any], first_id: int = 1) -> bytes:
    parts = [
        f"id: {first_id + at}\nevent: {name}\ndata: {json.dumps(data)}\n\n"
        for at, (name, data) in enumerate(told)
    ]
    return "".join(parts).encode()


STREAM = {"content-type": "text/event-stream"}
RESULT = {
    "status": "ok",
    "stdout": "",
    "result_text": None,
    "outputs": [],
    "execution_time": 0.1,
    "error": None,
}


class Stub:
    """``answers`` are given in turn; None breaks the connection. ``asked`` has what came."""

    def __init__(self, *answers: Answer) -> None:
        self.asked: List[Dict[str, Any]] = []
        self._answers = list(answers)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Stub":
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(stub) -> Callable[..., BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = {"method": self.command, "path": self.path, "headers": headers, "body": body}
                stub.asked.append(asked)
                answer: Optional[Any] = stub._answers.pop(0)
                if answer is None:
                    self.close_connection = True
                    self.connection.close()
                    return
                status, told, *rest = answer
                data = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(status)
                for name, value in {"content-type": "application/json", **(rest or [{}])[0]}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

        return Handler

"""A kernel behind Jupyter's REST interface, as a blocking client of jupyter_client, for suites that expect one."""

import json
import queue
import threading
import urllib.request

import websocket
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.session import Session


class _Channel:
    """The messages of one channel, in their order."""

    def __init__(self, name, connection):
        self._name = name
        self._connection = connection
        self.messages = queue.Queue()

    def send(self, message):
        wire = {key: message[key] for key in ("header", "parent_header", "metadata", "content")}
        wire["header"] = dict(wire["header"], date=wire["header"]["date"].isoformat())
        self._connection.send(json.dumps(wire | {"channel": self._name, "buffers": []}))

    def get_msg(self, timeout=None, **_):
        return self.messages.get(timeout=timeout)

    def msg_ready(self):
        return not self.messages.empty()

    def is_alive(self):
        return True

    def stop(self):
        pass


class RemoteClient(BlockingKernelClient):
    """Its methods make the messages; they leave and come by one WebSocket."""

    def open(self, url, token):
        self.session = Session()
        self._remote = {}
        address = f"{url.replace('http', 'ws', 1)}/channels?session_id={self.session.session}"
        self._connection = websocket.create_connection(address, header=[f"Authorization: token {token}"])
        for name in ("shell", "iopub", "stdin", "control"):
            self._remote[name] = _Channel(name, self._connection)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        try:
            while text := self._connection.recv():
                message = json.loads(text)
                self._remote[message["channel"]].messages.put(message)
        except Exception:
            pass  # Closed, by either side.

    shell_channel = property(lambda self: self._remote["shell"])
    iopub_channel = property(lambda self: self._remote["iopub"])
    stdin_channel = property(lambda self: self._remote["stdin"])
    control_channel = property(lambda self: self._remote["control"])

    def stop_channels(self):
        self._connection.close()


class RemoteKernel:
    """As much of a kernel manager as suites use."""

    def __init__(self, base, token):
        self._base, self._token = base, token
        self.url = f"{base}/api/kernels/{self._ask('POST', '/api/kernels')['id']}"

    def client(self):
        client = RemoteClient()
        client.open(self.url, self._token)
        return client

    def shutdown_kernel(self, *_, **__):
        self._ask("DELETE", self.url.removeprefix(self._base))

    def _ask(self, method, path):
        request = urllib.request.Request(self._base + path, method=method)
        request.add_header("Authorization", f"token {self._token}")
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read() or b"null")

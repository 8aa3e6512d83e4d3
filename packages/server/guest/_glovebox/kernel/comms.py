"""Comms: what objects here and their likenesses in a front end, such as widgets, say to each other.

Libraries find the front end by the package `comm`, whose two functions are there to be replaced. Without one that listens
nothing is sent, and outputs stay outputs: a widget's own output area takes them only where somebody shows it.
"""

import base64

import comm
from comm.base_comm import BaseComm


class _Parent:
    """What an output area of ipywidgets asks of a kernel: the request whose outputs it is to take."""

    def __init__(self, msg_id: str):
        self._msg_id = msg_id

    def get_parent(self) -> dict:
        return {"header": {"msg_id": self._msg_id}}


class _Comm(BaseComm):
    def __init__(self, comms: "Comms", **options):
        self._comms = comms
        super().__init__(**options)

    @property
    def kernel(self) -> _Parent | None:
        return self._comms.parent

    def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
        self._comms.publish(msg_type, self.comm_id, keys.get("target_name"), data, metadata, buffers)


class Comms:
    def __init__(self, shell):
        self._shell = shell
        # Of the front end that has asked for the present cell, where one has.
        self.parent: _Parent | None = None
        self._manager = comm.get_comm_manager()
        comm.create_comm = lambda *arguments, **options: _Comm(self, **_named(arguments), **options)

    def begin(self, msg_id: str | None) -> None:
        self.parent = None if msg_id is None else _Parent(msg_id)

    def publish(self, msg_type, comm_id, target_name, data, metadata, buffers) -> None:
        if self.parent is None:
            return
        content = {"kind": msg_type.removeprefix("comm_"), "comm_id": comm_id, "data": data or {}, "metadata": metadata or {}}
        if target_name is not None:
            content["target_name"] = target_name
        if buffers:
            content["buffers"] = [base64.b64encode(bytes(one)).decode("ascii") for one in buffers]
        self._shell.send("comm", content)

    def take(self, asked: dict) -> None:
        """A message of the front end. What it calls is the user's."""
        kind = f"comm_{asked['kind']}"
        content = {name: asked[name] for name in ("comm_id", "target_name", "data") if name in asked}
        message = {
            "header": {"msg_id": self.parent.get_parent()["header"]["msg_id"] if self.parent else "", "msg_type": kind},
            "parent_header": {},
            "metadata": asked.get("metadata", {}),
            "content": content,
            "buffers": [base64.b64decode(one) for one in asked.get("buffers", [])],
        }
        getattr(self._manager, kind)(None, None, message)


def _named(arguments: tuple) -> dict:
    """BaseComm's first arguments have these names."""
    return dict(zip(("target_name", "data", "metadata", "buffers", "comm_id"), arguments))

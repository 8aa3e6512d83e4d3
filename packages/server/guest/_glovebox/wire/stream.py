"""Output on its way to the gateway, as kernel and warden write it alike."""

from _glovebox.wire import frames


def stream_frame(name: str, data: bytes, dropped: int = 0) -> bytes:
    """A stream message. The text holds one character per byte (Latin-1): only the gateway, which sees
    the whole stream, can tell where a UTF-8 sequence ends."""
    content: dict = {"name": name, "text": data.decode("latin-1")}
    if dropped:
        content["dropped_bytes"] = dropped
    return frames.encode({"msg_type": "stream", "content": content})

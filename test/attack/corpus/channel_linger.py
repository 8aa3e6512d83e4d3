# A passed descriptor whose last close would wait: the receiver of the control channel would be the one to wait.
import struct

listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
judge_actions(
    {"SO_LINGER": lambda: client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 8))},
    ("EPERM",),
)

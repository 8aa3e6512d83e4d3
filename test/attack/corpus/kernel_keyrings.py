# Keyrings are shared by host uid and cross namespaces.
judge_calls(
    {
        "add_key": (248, b'user', b'gbx', b'secret', 6, -3),
        "request_key": (249, b'user', b'gbx', 0, -3),
        "get_keyring_id": (250, 0, -3, 1),
        "join_session_keyring": (250, 1, b'gbx'),
        "get_persistent": (250, 22, -1, -3),
    },
)

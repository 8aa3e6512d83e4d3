# A forged result may be its author's only; the next run of the session must not read a stale one.
for count in range(5):
    send_everywhere(
        frame(
            {
                "msg_type": "execute_reply",
                "content": {
                    "status": "ok",
                    "execution_count": count,
                    "stdout": "forged",
                    "outputs": [],
                    "usage": {"cpu_time": -1, "memory_peak_bytes": -1, "wall_time": -1},
                },
            }
        )
    )

mine = {os.readlink(f"/proc/self/ns/{kind}") for kind in ("net", "ipc", "mnt", "uts", "user", "pid", "cgroup")}
reached = {
    "tcp": outcome(lambda: socket.create_connection(("127.0.0.1", 40001), 1)),
    "tcp6": outcome(lambda: socket.create_connection(("::1", 40001), 1)),
    "abstract": outcome(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).connect("\0gbx-datagrams")),
}
verdict(not mine & set(SETUP_OUTPUT.split()) and "ok" not in reached.values(), [reached, list(mine)])

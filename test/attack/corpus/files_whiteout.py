# Character device 0/0 may be made without privilege since Linux 5.8, and means "deleted" to an overlay.
outcomes = {
    "whiteout": syscall(259, -100, b"/workspace/whiteout", stat.S_IFCHR | 0o666, 0)[1],
    "opaque": syscall(188, b"/workspace", b"trusted.overlay.opaque", b"y", 1, 0)[1],
    "user opaque": syscall(188, b"/workspace", b"user.overlay.opaque", b"y", 1, 0)[1],
    "capability": syscall(188, b"/workspace", b"security.capability", bytes(20), 20, 0)[1],
    "rename whiteout": syscall(316, -100, b"/workspace/a", -100, b"/workspace/b", 4)[1],
}
verdict("ok" not in outcomes.values() and not os.path.exists("/workspace/whiteout"), outcomes)

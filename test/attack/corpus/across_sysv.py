outcomes = {
    "shm": syscall(29, 0x6B78, 4096, 0o666)[1],
    "sem": syscall(64, 0x6B78, 1, 0o666)[1],
    "msg": syscall(68, 0x6B78, 0o666)[1],
}
verdict("ok" not in outcomes.values(), outcomes)

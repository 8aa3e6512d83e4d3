# Page faults served by user code hold the kernel still in the middle of a copy.
result = {
    "userfaultfd": syscall(323, 0)[1],
    "user_mode_only": syscall(323, 1)[1],
    "device": outcome(lambda: os.open("/dev/userfaultfd", os.O_RDWR)),
}
verdict(set(result.values()) <= REFUSED | {"ENOENT"}, result)

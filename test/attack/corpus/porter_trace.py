pids = range(3, 200)
PTRACE_ATTACH, PTRACE_SEIZE = 16, 0x4206
outcomes = {
    "seen": [pid for pid in pids if os.path.exists(f"/proc/{pid}") and pid != os.getpid()],
    "listed": [name for name in os.listdir("/proc") if name.isdigit() and int(name) > 2],
}
for name in ("mem", "maps", "fd", "root", "cwd", "environ", "status", "syscall", "fdinfo/3"):
    outcomes[name] = [pid for pid in pids if os.path.exists(f"/proc/{pid}/{name}")]
for name, number, arguments in (
    ("attach", 101, (PTRACE_ATTACH,)),
    ("seize", 101, (PTRACE_SEIZE,)),
):
    outcomes[name] = [pid for pid in pids if syscall(number, *arguments, pid, 0, 0)[1] == "ok"]
remote = (ctypes.c_size_t * 2)(0x400000, 8)
local_buffer = ctypes.create_string_buffer(8)
local = (ctypes.c_size_t * 2)(ctypes.addressof(local_buffer), 8)
outcomes["process_vm_readv"] = [
    pid for pid in pids if syscall(310, pid, local, 1, remote, 1, 0)[1] == "ok"
]
outcomes["pidfd_getfd"] = []
for pid in pids:
    handle = syscall(434, pid, 0)[0]
    if handle >= 0 and syscall(438, handle, 4, 0)[1] == "ok":
        outcomes["pidfd_getfd"].append(pid)
verdict(not any(outcomes.values()), outcomes)

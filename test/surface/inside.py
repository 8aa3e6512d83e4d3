"""Tries every system call from inside a guest and prints what was answered, as one line of JSON.

Runs in any guest with a Python: NUMBERS, a table of names and numbers, stands in front of it. Each
call is made in a child of its own, with arguments that make the kernel's own code refuse it or do
nothing: bad pointers, bad descriptors, zeros. A call that blocks is interrupted by a timer and
answers EINTR. This is for guests only: outside of one, some calls would change the machine.
"""

import ctypes
import errno
import json
import mmap
import os
import select
import signal
import sys

INTERRUPT_EVERY_S = 0.2
ANSWER_TIMEOUT_S = 10
BAD = -1
SIGCHLD = 17
BAD_POINTER = 1

# fork, vfork, clone: a child without a stack of its own has to end before it returns.
FORKING = {56, 57, 58}
# What a filter that looks at arguments may let through where it refuses zeros and ones.
PARTICULAR = {
    "arch_prctl": (0x1003, BAD_POINTER),
    "clone": (SIGCHLD, 0, 0, 0, 0),
    "getsockopt": (BAD, 1, 4, BAD_POINTER, BAD_POINTER),
    "ioctl": (BAD, 0x5401, BAD_POINTER),
    "mknodat": (BAD, BAD_POINTER, 0o10000, 0),
    "personality": (0xFFFFFFFF,),
    "prctl": (16, BAD_POINTER),
    "setsockopt": (BAD, 1, 2, BAD_POINTER, 4),
    "socket": (1, 1, 0),
    "socketpair": (1, 1, 0, BAD_POINTER),
}
NAMESPACES = {
    "cgroup": 0x02000000,
    "ipc": 0x08000000,
    "mount": 0x00020000,
    "network": 0x40000000,
    "pid": 0x20000000,
    "user": 0x10000000,
    "uts": 0x04000000,
}
TIOCSTI = 0x5412
I386_GETPID = 20
X32_GETPID = 0x40000000 | 39

# mov rax, rdi; mov rdi, rsi; mov rsi, rdx; xor edx, edx; xor r10d, r10d; xor r8d, r8d; syscall;
# test rax, rax; jne out; xor edi, edi; mov eax, 60; syscall; out: ret
FORK_CODE = bytes.fromhex(
    "4889f8 4889f7 4889d6 31d2 4d31d2 4d31c0 0f05 4885c0 7509 31ff b83c000000 0f05 c3"
)
# push rbx; mov eax, edi; xor ebx, ebx; int 0x80; pop rbx; ret
INT80_CODE = bytes.fromhex("53 89f8 31db cd80 5b c3")

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def machine_code(code):
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(page))
    prototype = ctypes.CFUNCTYPE(ctypes.c_long, *[ctypes.c_long] * 3)
    return prototype(address), page


def answer_of(result):
    """The errno's name, or "ok", of what a raw system call has returned."""
    return errno.errorcode.get(-result, str(-result)) if -4096 < result < 0 else "ok"


def call(number, arguments=()):
    ctypes.set_errno(0)
    converted = [ctypes.c_long(argument) for argument in arguments]
    result = libc.syscall(ctypes.c_long(number), *converted)
    return answer_of(-ctypes.get_errno() if result == -1 else result)


def in_child(action):
    """What an action answers in a child; "ended" where the call ended it, "blocked" where it hangs."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            signal.signal(signal.SIGALRM, lambda *_: None)
            signal.setitimer(signal.ITIMER_REAL, INTERRUPT_EVERY_S, INTERRUPT_EVERY_S)
            os.write(writing, action().encode())
        finally:
            os._exit(0)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], ANSWER_TIMEOUT_S)
    text = os.read(reading, 64).decode() if ready else "blocked"
    os.close(reading)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return text or "ended"


def try_call(name, number):
    """The answers to several sets of arguments, each once."""
    if number in FORKING:
        function, _page = machine_code(FORK_CODE)
        flags = PARTICULAR.get(name, (0,))[0]
        return [in_child(lambda: answer_of(function(number, flags, 0)))]
    sets = [(BAD,) * 6, (0,) * 6, *([PARTICULAR[name]] if name in PARTICULAR else [])]
    return sorted({in_child(lambda: call(number, arguments)) for arguments in sets})


def families():
    """Families of which some socket can be made."""
    socket = NUMBERS["socket"]
    kinds = [(kind, protocol) for kind in (1, 2, 3, 5) for protocol in (0, 1, 6, 17, 132)]
    made = {}
    for family in range(46):
        answers = {in_child(lambda: call(socket, (family, *kind))) for kind in kinds}
        made[family] = "ok" if "ok" in answers else ",".join(sorted(answers))
    return made


def namespaces():
    unshare = NUMBERS["unshare"]
    return {name: in_child(lambda: call(unshare, (flag,))) for name, flag in NAMESPACES.items()}


def foreign_abis():
    function, _page = machine_code(INT80_CODE)
    return {
        "int80": in_child(lambda: answer_of(function(I386_GETPID, 0, 0))),
        "x32": in_child(lambda: call(X32_GETPID)),
    }


def main():
    calls = {name: try_call(name, number) for name, number in NUMBERS.items()}
    json.dump(
        {
            "calls": calls,
            "families": families(),
            "namespaces": namespaces(),
            "foreign_abis": foreign_abis(),
            "tiocsti": in_child(lambda: call(NUMBERS["ioctl"], (0, TIOCSTI, BAD_POINTER))),
            "clone3": in_child(lambda: call(NUMBERS["clone3"], (BAD_POINTER, 88))),
        },
        sys.stdout,
    )
    print(flush=True)


main()

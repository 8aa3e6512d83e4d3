"""Prints the seccomp programs that bind a process, oldest first, as a JSON list of hex strings.

The kernel hands them out over ptrace to a process that has CAP_SYS_ADMIN and no filter of its own.
Run by the root of the host; the process stops for as long as reading takes, and goes on.
"""

import ctypes
import json
import os
import sys

PTRACE_DETACH = 17
PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
PTRACE_SECCOMP_GET_FILTER = 0x420C
WAIT_FOR_ANY_THREAD = 0x40000000
INSTRUCTION_BYTES = 8
ENOENT, EINVAL = 2, 22

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, pid, address=None, data=None):
    result = libc.ptrace(request, pid, address, data)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"ptrace {request:#x} of {pid}: {os.strerror(code)}")
    return result


def programs_of(pid):
    found = []
    while True:
        try:
            count = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, len(found))
        except OSError as error:
            # The end of the list, or no filter at all. Everything else is a failure to measure.
            if error.errno == ENOENT or (error.errno == EINVAL and not found):
                return found
            raise
        buffer = ctypes.create_string_buffer(count * INSTRUCTION_BYTES)
        ptrace(PTRACE_SECCOMP_GET_FILTER, pid, len(found), buffer)
        found.append(buffer.raw.hex())


def main():
    pid = int(sys.argv[1])
    ptrace(PTRACE_SEIZE, pid)
    ptrace(PTRACE_INTERRUPT, pid)
    os.waitpid(pid, WAIT_FOR_ANY_THREAD)
    try:
        print(json.dumps(programs_of(pid)))
    finally:
        ptrace(PTRACE_DETACH, pid)


main()

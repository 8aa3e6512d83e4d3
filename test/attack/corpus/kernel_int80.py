# mov eax, number; int 0x80; ret: the 32-bit entry has a table of its own, with mount, ptrace and all.
import mmap
import signal

outcomes = {}


def enter(number):
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    # rbx is the callee's to keep, so it is saved around the call.
    code.write(
        b"\x53\x31\xdb\x31\xc9\x31\xd2\xb8" + number.to_bytes(4, "little") + b"\xcd\x80\x5b\xc3"
    )
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
    os._exit(0 if function() >= 0 else 1)


for name, number in {"getpid": 20, "getuid": 24, "time": 13, "unshare": 310}.items():
    # A host without 32-bit support kills the caller, which is as good as a refusal.
    outcomes[name] = in_child(lambda number=number: enter(number))
verdict(all(status != 0 for status in outcomes.values()), outcomes)

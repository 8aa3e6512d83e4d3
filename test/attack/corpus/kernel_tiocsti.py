# The filter must answer, so even a descriptor that is no terminal shows EPERM instead of ENOTTY.
null = os.open("/dev/null", os.O_RDWR)
descriptors = {"null": null, "stdin": 0}
try:
    descriptors["pty"] = os.openpty()[1]
except OSError:
    pass
calls = {}
for name, descriptor in descriptors.items():
    calls[f"TIOCSTI {name}"] = (16, descriptor, 0x5412, b"x")
    calls[f"TIOCSTI high bits {name}"] = (16, descriptor, 0x5412 | 1 << 32, b"x")
    calls[f"TIOCLINUX {name}"] = (16, descriptor, 0x541C, b"\x03")
    calls[f"TIOCSETD {name}"] = (16, descriptor, 0x5423, b"\x15\0\0\0")
judge_calls(calls)

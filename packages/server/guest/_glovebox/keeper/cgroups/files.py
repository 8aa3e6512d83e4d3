"""What both versions of control groups need: small files read and written, and trees removed."""

import os
import signal
import time

PERIOD_US = 1_000_000
UNLIMITED_NUMBER = -1
_AWAIT_PATIENCE_S = 0.1
# What all sandboxes together leave of the machine's memory: an eighth, within these bounds.
_RESERVE_BYTES_MIN = 256 << 20
_RESERVE_BYTES_MAX = 2 << 30


def write(path: str, value: str) -> None:
    with open(path, "w", encoding="ascii") as file:
        file.write(value)


def read(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()


def send_signal(pid: int, number: signal.Signals) -> None:
    if pid <= 0:
        return  # Of another PID namespace, and kill(0) would reach our own process group.
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def parse_number(text: str) -> int:
    return UNLIMITED_NUMBER if text.strip() == "max" else int(text)


def await_line(path: str, line: str) -> None:
    """Wait until a file has a line, but not for long: a process asleep in the kernel freezes late, and runs
    no user code before that."""
    deadline = time.monotonic() + _AWAIT_PATIENCE_S
    while line not in read(path).splitlines() and time.monotonic() < deadline:
        time.sleep(0.001)


def is_there_swap() -> bool:
    """Whether a sandbox can use swap, where the kernel has no file that limits it."""
    return int(read("/proc/meminfo").split("SwapTotal:")[1].split()[0]) > 0


def memory_for_all() -> int:
    """What all sandboxes together may use. When they are promised more than there is, memory runs
    out among them, where the kernel picks a guest, and not on the host, where it picks from all."""
    total = int(read("/proc/meminfo").split("MemTotal:")[1].split()[0]) << 10
    return total - min(max(total // 8, _RESERVE_BYTES_MIN), _RESERVE_BYTES_MAX)


def remove_tree(path: str) -> bool:
    """rmdir a group and its children. False while a process is still leaving it."""
    try:
        children = [entry.path for entry in os.scandir(path) if entry.is_dir()]
    except FileNotFoundError:
        return True
    gone = all([remove_tree(child) for child in children])
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return gone

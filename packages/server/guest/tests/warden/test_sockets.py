"""What a sandbox holds in sockets, from tables as the kernel writes them and from the real ones."""

import socket
import unittest

from _glovebox.warden import sockets
from tests.support import temporary_directory

HEADER = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"


def line(waiting: int) -> str:
    return f"0000000038c2a3aa 0   17         00000000 {waiting:<8} 0        0     2        0        26 \n"


class ExcessTest(unittest.TestCase):
    def excess(self, used: int, waiting: list[int]) -> str | None:
        with temporary_directory() as net:
            with open(f"{net}/sockstat", "w", encoding="ascii") as file:
                file.write(f"sockets: used {used}\nTCP: inuse 0 orphan 0 tw 0 alloc 5 mem 310\n")
            with open(f"{net}/netlink", "w", encoding="ascii") as file:
                file.write(HEADER + "".join(map(line, waiting)))
            return sockets.excess(net)

    def test_ordinary_use_is_none(self):
        self.assertIsNone(self.excess(0, []))
        self.assertIsNone(self.excess(1100, [0] * 1100))

    def test_few_sockets_are_not_looked_at(self):
        self.assertIsNone(self.excess(32, [64 << 20]))

    def test_too_many_sockets(self):
        self.assertRegex(self.excess(1501, []), "more than 1500 sockets")

    def test_too_much_in_netlink_sockets(self):
        self.assertIsNone(self.excess(100, [320 << 10] * 100))
        self.assertRegex(self.excess(100, [400 << 10] * 100), "32 MiB")

    def test_the_kernel_s_own_tables_are_understood(self):
        self.assertIsNone(sockets.excess())
        held = [socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) for _ in range(40)]
        self.addCleanup(lambda: [one.close() for one in held])
        self.assertIsNone(sockets.excess())
        # An answer to a request that is refused carries all of it.
        request = (100_016).to_bytes(4, "little") + bytes([16, 0, 5, 0]) + bytes(8 + 100_000)
        before, sockets.NETLINK_BYTES_MAX = sockets.NETLINK_BYTES_MAX, 1 << 20
        self.addCleanup(setattr, sockets, "NETLINK_BYTES_MAX", before)
        for one in held:
            one.send(request)
        self.assertRegex(sockets.excess() or "", "netlink")


if __name__ == "__main__":
    unittest.main()

# Every kind and protocol of the families that are allowed, with the high bits set as well: only TCP,
# UDP and route netlink may come of them.
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
STREAM, DATAGRAM = 1, 2
TCP, UDP = 6, 17
allowed = {(STREAM, 0), (STREAM, TCP), (DATAGRAM, 0), (DATAGRAM, UDP)}
wrong = []
for high in (0, 1 << 32):
    for family in (AF_INET, AF_INET6):
        for kind in range(1, 11):
            for protocol in (*range(0, 264), 0x10000 | TCP):
                result, answer = syscall(41, family | high, kind | high, protocol | high)
                if answer == "ok":
                    os.close(result)
                if answer != "EPERM" and (kind, protocol) not in allowed:
                    # The kernel's own refusal of a pair of allowed values reached only its table.
                    if not (kind in (STREAM, DATAGRAM) and protocol in (TCP, UDP)):
                        wrong.append((family, kind, protocol, answer))
    for protocol in range(1, 33):
        answer = syscall(41, AF_NETLINK | high, 3, protocol | high)[1]
        if answer != "EPERM":
            wrong.append((AF_NETLINK, protocol, answer))
verdict(not wrong, wrong)

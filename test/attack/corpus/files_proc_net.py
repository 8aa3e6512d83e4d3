# The tables of the network namespace: a loopback, no neighbour's or host's socket, no route to anywhere.
interfaces = [line.split(":")[0].strip() for line in open("/proc/net/dev").read().splitlines()[2:]]
unix = [line.split()[-1] for line in open("/proc/net/unix").read().splitlines()[1:] if "/" in line or "@" in line]
tcp = [line for name in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6") for line in open(f"/proc/net/{name}").read().splitlines()[1:]]
routes = open("/proc/net/route").read().splitlines()[1:]
neighbours = open("/proc/net/arp").read().splitlines()[1:]
verdict(interfaces == ["lo"] and not (unix or tcp or routes or neighbours), [interfaces, unix, tcp, routes, neighbours])

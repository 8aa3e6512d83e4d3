# Everything that listens: TCP, UDP, UNIX by name and abstract, netlink.
gbx_listeners = [socket.create_server(("127.0.0.1", 40001)), socket.create_server(("::1", 40001), family=socket.AF_INET6)]
gbx_datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
gbx_datagrams.bind(("127.0.0.1", 40002))
gbx_named = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
gbx_named.bind("\0gbx-datagrams")
print(os.readlink("/proc/self/ns/net"), os.readlink("/proc/self/ns/ipc"), os.readlink("/proc/self/ns/mnt"), os.readlink("/proc/self/ns/uts"), os.readlink("/proc/self/ns/user"), os.readlink("/proc/self/ns/pid"), os.readlink("/proc/self/ns/cgroup"))

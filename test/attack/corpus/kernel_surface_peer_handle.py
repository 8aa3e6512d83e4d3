# The other end of the control connection is a process outside; a socket can be asked for a handle on it.
SO_PEERPIDFD, SO_GET_FILTER, SO_MEMINFO, SO_COOKIE, SO_NETNS_COOKIE = 77, 26, 55, 57, 71
found = channel_sockets()
pair = socket.socketpair()
tcp = socket.socket()
actions = {
    f"{option} of {descriptor}": lambda descriptor=descriptor, option=option: socket.socket(
        fileno=os.dup(descriptor)
    ).getsockopt(socket.SOL_SOCKET, option, 64)
    for descriptor in [*found, pair[0].fileno()]
    for option in (SO_PEERPIDFD, SO_GET_FILTER, SO_MEMINFO, SO_COOKIE, SO_NETNS_COOKIE)
}
actions["TCP_ZEROCOPY_RECEIVE"] = lambda: tcp.getsockopt(socket.IPPROTO_TCP, 35, 64)
actions["iptables"] = lambda: tcp.getsockopt(socket.IPPROTO_IP, 64, 84)
judge_actions(actions, ("EPERM",))

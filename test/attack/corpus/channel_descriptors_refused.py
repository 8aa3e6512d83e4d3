# A passed descriptor is closed by whoever drops it, which takes long for a large file: the kernel must not take it.
import array

SO_PASSRIGHTS = 83
large = os.memfd_create("large")
os.ftruncate(large, 1 << 20)
rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [large]))]
outcomes = {}
for descriptor in channel_sockets():
    peer = socket.socket(fileno=os.dup(descriptor))
    outcomes[f"{descriptor} undone"] = outcome(lambda: peer.setsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS, 1))
    for flags in (0, socket.MSG_DONTWAIT, socket.MSG_OOB):
        outcomes[f"{descriptor} {flags}"] = outcome(lambda: peer.sendmsg([b"\0"], rights, flags))
known = outcome(lambda: socket.socket(socket.AF_UNIX).getsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS))
# Linux before 6.16 cannot refuse them; SECURITY.md says what that means.
verdict(known == "ENOPROTOOPT" or (outcomes and set(outcomes.values()) == {"EPERM"}), (known, outcomes))

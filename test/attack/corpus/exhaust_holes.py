# A file of nothing but holes costs nothing here, and whoever is to carry it reads zeros for days.
def truncated(path):
    def act():
        with open(path, "wb") as file:
            file.truncate(1 << 42)

    return act


def in_memory():
    os.ftruncate(os.memfd_create("gbx"), 1 << 42)


def written_behind():
    with open("/workspace/holes", "wb") as file:
        os.pwrite(file.fileno(), b"x", 1 << 42)


def by_program():
    if os.WEXITSTATUS(os.system("truncate -s 4T /workspace/holes 2>/dev/null")) == 0:
        return
    raise OSError(errno.EFBIG, "refused")


actions = {path: truncated(f"{path}/holes") for path in ("/workspace", "/tmp", "/tmp/home", "/dev/shm")}
actions |= {"memfd": in_memory, "pwrite": written_behind, "program": by_program}
judge_actions(actions, allowed={"EFBIG"})

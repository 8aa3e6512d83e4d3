# Out of a shared folder: by the links that lie in it, by dots, by hard links, by handles.
folder = "/data/reference"
shadow, hostile = f"{folder}/shadow", f"{folder}/up"
found = {}
for label, path in {
    "absolute link": f"{hostile}/private.txt",
    "dots": f"{folder}/../../../../../../{HOST_FOLDER}/private.txt",
    "host path": f"{HOST_FOLDER}/private.txt",
    "root's file": f"{folder}/private.txt",
    "link to shadow": shadow,
    "through proc": f"/proc/self/root{HOST_FOLDER}/private.txt",
}.items():
    found[label] = outcome(lambda: read_some(path))
descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
found["dots by descriptor"] = outcome(lambda: os.open("../../etc/../../tmp/up", os.O_RDONLY, dir_fd=descriptor))
found["hard link out"] = outcome(lambda: os.link(f"{folder}/public.txt", "/workspace/kept"))
found["hard link in"] = outcome(lambda: os.link("/etc/passwd", "/data/results/passwd"))
os.fchdir(descriptor)
os.chdir("../../../../../..")
inside = sorted(os.listdir(".")) == sorted(os.listdir("/"))
found["by handle"] = syscall(304, descriptor, b"\0" * 128, 0)[1]
found["make a handle"] = syscall(303, descriptor, b"", b"\x80" + b"\0" * 255, b"\0" * 8, 0x1000)[1]
verdict(inside and "ok" not in found.values(), found)

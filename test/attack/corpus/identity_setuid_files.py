# With nosuid and no_new_privs they would be inert; that none exists is the second lock.
import subprocess

# One that must be found, as its other special bit can be set.
with open("/tmp/known", "w") as file:
    os.fchmod(file.fileno(), 0o1755)
search = ["find", "/", "(", "-path", "/proc", "-o", "-path", "/sys", ")", "-prune"]
wanted = ["-o", "-type", "f", "-perm", "/5000", "-print"]
paths = subprocess.run([*search, *wanted], capture_output=True, text=True).stdout.splitlines()
verdict(paths == ["/tmp/known"], paths)

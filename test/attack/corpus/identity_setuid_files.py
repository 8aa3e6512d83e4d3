# With nosuid and no_new_privs they would be inert; that none exists is the second lock.
import subprocess

# One that must be found: on a mount that ignores the bit, so it is no find by itself.
with open("/tmp/known", "w") as file:
    os.fchmod(file.fileno(), 0o4755)
search = ["find", "/", "(", "-path", "/proc", "-o", "-path", "/sys", ")", "-prune"]
wanted = ["-o", "-type", "f", "-perm", "-4000", "-print"]
paths = subprocess.run([*search, *wanted], capture_output=True, text=True).stdout.splitlines()
found = [path for path in paths if not os.statvfs(path).f_flag & os.ST_NOSUID]
verdict("/tmp/known" in paths and not found, paths)

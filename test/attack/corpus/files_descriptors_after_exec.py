# Programs that are executed without closing anything: as os.system, os.exec and close_fds=False do.
import subprocess
import sys

LIST = "import os; print({n: os.readlink(f'/proc/self/fd/{n}') for n in map(int, os.listdir('/proc/self/fd')) if os.path.lexists(f'/proc/self/fd/{n}')})"
program = [sys.executable or "/usr/bin/python3", "-c", LIST]


def executed():
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(writing, 1)
        os.execv(program[0], program)
    os.close(writing)
    with open(reading) as file:
        listed = file.read()
    os.waitpid(child, 0)
    return listed


spawned = subprocess.run(program, close_fds=False, stdout=subprocess.PIPE, text=True).stdout
by_shell = os.popen(f"{program[0]} -c \"{LIST}\"").read()
found = {
    how: eval(listed)
    for how, listed in (("exec", executed()), ("close_fds=False", spawned), ("shell", by_shell))
}
verdict(all(sorted(listed) == [0, 1, 2] for listed in found.values()), found)

import subprocess
children = [subprocess.Popen(["sh", "-c", "while :; do echo flood >&2; done"]) for _ in range(20)]
children[0].wait()

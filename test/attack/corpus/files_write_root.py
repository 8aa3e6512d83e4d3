paths = ["/", "/usr", "/etc", "/bin", "/lib", "/usr/lib/python3", "/var", "/var/tmp", "/opt", "/root", "/home", "/run", "/dev", "/proc", "/sys", "/srv", "/mnt"]
actions = {path: lambda path=path: open(os.path.join(path, "gbx-written"), "w").close() for path in paths}
actions["passwd"] = lambda: os.open("/etc/passwd", os.O_WRONLY)
actions["python"] = lambda: os.open(os.path.realpath(sys.executable), os.O_WRONLY)
actions["mkdir"] = lambda: os.mkdir("/gbx")
actions["chmod"] = lambda: os.chmod("/etc", 0o777)
actions["rename"] = lambda: os.rename("/etc/passwd", "/etc/passwd-")
actions["unlink"] = lambda: os.unlink("/etc/hostname" if os.path.exists("/etc/hostname") else "/etc/passwd")
judge_actions(actions)

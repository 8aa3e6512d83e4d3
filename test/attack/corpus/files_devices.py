# Everything in /dev must be one of the harmless ones.
harmless = {(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 2)}
wrong = []
for directory, _, names in os.walk("/dev"):
    for name in names:
        path = os.path.join(directory, name)
        status = os.lstat(path)
        device = (os.major(status.st_rdev), os.minor(status.st_rdev))
        pty = stat.S_ISCHR(status.st_mode) and 136 <= device[0] <= 143
        if stat.S_ISBLK(status.st_mode) or (stat.S_ISCHR(status.st_mode) and device not in harmless and not pty):
            wrong.append((path, device))
verdict(not wrong, wrong)

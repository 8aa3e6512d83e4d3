# With nosuid and no_new_privs they would be inert; that none exists is the second lock.
found = []
for directory, _, names in os.walk("/"):
    if directory.startswith(("/proc", "/sys")):
        continue
    for name in names:
        path = os.path.join(directory, name)
        try:
            mode = os.lstat(path).st_mode
        except OSError:
            continue
        if stat.S_ISREG(mode) and mode & stat.S_ISUID:
            with_nosuid = os.statvfs(path).f_flag & os.ST_NOSUID
            if not with_nosuid:
                found.append(path)
verdict(not found, found)

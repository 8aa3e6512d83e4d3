path, before = json.loads(SETUP_OUTPUT)
verdict(os.stat(path).st_atime_ns == before, [path, before, os.stat(path).st_atime_ns])

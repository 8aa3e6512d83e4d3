# The interpreter of the porter was started before its root became this directory.
source = "open('/stolen', 'w').write('x')\n"
ours = "opt/glovebox/guest"
for directory in ("usr/lib/python3.13", "usr/lib/python3/dist-packages", ours, f"{ours}/_glovebox", f"{ours}/_glovebox/porter"):
    os.makedirs(f"/workspace/{directory}/encodings", exist_ok=True)
    for name in ("traceback", "linecache", "bz2", "lzma", "warnings", "encodings/cp437", "porter"):
        with open(f"/workspace/{directory}/{name}.py", "w") as file:
            file.write(source)
os.makedirs("/workspace/etc", exist_ok=True)
for name in ("localtime", "passwd", "nsswitch.conf", "ld.so.preload"):
    os.symlink("/dev/zero", f"/workspace/etc/{name}")

# The one way to make a device node without privilege: what a rename leaves behind.
RENAME_WHITEOUT = 4
open("gbx-a", "w").close()
results = {
    flags: syscall(316, -100, b"gbx-a", -100, b"gbx-b", flags)[1] for flags in (RENAME_WHITEOUT, 5, 1 << 40 | 4)
}
devices = [name for name in os.listdir(".") if stat.S_ISCHR(os.lstat(name).st_mode)]
verdict(not devices and set(results.values()) == {"EPERM"}, (results, devices))

# A tree that takes long to walk: every inode a directory, as deep as a path can be.
os.chdir("/workspace")
made = 0
try:
    while made < 12_500:
        os.mkdir(f"{made:x}")
        if made % 4 == 0:
            os.chdir(f"{made:x}")
        made += 1
except OSError:
    pass
os.chdir("/workspace")

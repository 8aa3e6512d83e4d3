# The kernel's process becomes another program, which keeps its descriptors and never answers.
os.execv("/bin/sh", ["sh", "-c", "trap '' INT TERM; while :; do :; done"])

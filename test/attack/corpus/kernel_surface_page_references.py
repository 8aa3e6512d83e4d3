# Every call that hands on pages of a file by reference instead of copying them, after the holes that
# then wrote to the page cache: into pipes, and into sockets whose protocol works in place.
source = os.open("/etc/passwd", os.O_RDONLY)
reading, writing = os.pipe()
left, right = socket.socketpair()
target = os.open("gbx-copy", os.O_RDWR | os.O_CREAT)
before = os.pread(source, 4096, 0)
judge_calls(
    {
        "sendfile to a pipe": (40, writing, source, 0, 16),
        "sendfile to a socket": (40, left.fileno(), source, 0, 16),
        "copy_file_range": (326, source, 0, target, 0, 16, 0),
        "splice to a pipe": (275, source, 0, writing, 0, 16, 0),
        "tee": (276, reading, writing, 16, 0),
        "vmsplice": (278, writing, 0, 0, 0),
        "AF_ALG": (41, 38, 5, 0),
        "AF_RXRPC": (41, 33, 2, 2),
        "AF_KCM": (41, 41, 2, 0),
    }
)
if os.pread(source, 4096, 0) != before:
    verdict(False, "the file has changed")

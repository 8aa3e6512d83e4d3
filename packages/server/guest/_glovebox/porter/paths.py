"""Names and errors of the porter: what it takes for a path, and what it calls a failure."""

import errno
import os
import stat

_PATH_BYTES_MAX = 4000
_NAME_BYTES_MAX = 255
# Of the entries of one frame: twelve bytes is the most that a character takes in JSON.
BATCH_BYTES = 64 << 10
# A Date of JavaScript ends there, and a guest may give a file any time.
_TIME_MS_MAX = 8_640_000_000_000_000

_CODES = {
    errno.ENOENT: "FILE_NOT_FOUND",
    errno.ELOOP: "FILE_NOT_FOUND",
    errno.ENOTDIR: "NOT_A_DIRECTORY",
    errno.EISDIR: "IS_A_DIRECTORY",
    errno.EEXIST: "FILE_EXISTS",
    errno.ENOTEMPTY: "DIRECTORY_NOT_EMPTY",
    errno.ENOSPC: "FILE_TOO_LARGE",
    errno.EDQUOT: "FILE_TOO_LARGE",
    errno.EFBIG: "FILE_TOO_LARGE",
    errno.ENAMETOOLONG: "INVALID_PATH",
    errno.EINVAL: "INVALID_PATH",
    errno.EMFILE: "TOO_MANY",
}


class Refused(Exception):
    """A request that cannot be served; `code` is one of the API's."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


def code_of(failure: BaseException) -> str:
    """The API's code for whatever went wrong."""
    if isinstance(failure, Refused):
        return failure.code
    if isinstance(failure, OSError):
        return _CODES.get(failure.errno or 0, "FILE_ACCESS_DENIED")
    return "FILE_ACCESS_DENIED"


def absolute(path: object) -> str:
    """A path of the API as one below the root, which is the workspace. The gateway has checked it and
    said what is wrong with it; this check does not rely on that."""
    if not isinstance(path, str) or path.startswith("/"):
        raise Refused("INVALID_PATH")
    try:
        encoded = path.encode("utf-8")
    except UnicodeEncodeError as failure:
        raise Refused("INVALID_PATH") from failure
    names = encoded.split(b"/") if encoded else []
    if len(encoded) > _PATH_BYTES_MAX or any(len(name) > _NAME_BYTES_MAX for name in names):
        raise Refused("INVALID_PATH")
    if any(name in (b"", b".", b"..") for name in names) or any(byte < 32 for byte in encoded):
        raise Refused("INVALID_PATH")
    return f"/{path}"


def shown(name: str) -> str:
    """A name as it can travel: what is not UTF-8 becomes a replacement character."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def weight_of(path: str) -> int:
    """How many bytes an entry takes in a frame, at most."""
    return 12 * len(path) + 120


def kind_of(mode: int) -> str:
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "directory"
    return "link" if stat.S_ISLNK(mode) else "other"


def describe(status: os.stat_result) -> dict:
    """What a list says about an entry besides its name."""
    kind = kind_of(status.st_mode)
    return {
        "type": kind,
        "size": status.st_size if kind == "file" else 0,
        "mtime_ms": max(-_TIME_MS_MAX, min(_TIME_MS_MAX, status.st_mtime_ns // 1_000_000)),
    }


def is_directory(path: str) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False

# The kernel marks a directory outside of the root as unreachable.
buffer = ctypes.create_string_buffer(4096)
libc.getcwd.restype = ctypes.c_char_p
where = libc.getcwd(buffer, 4096)
verdict(where is not None and where == b"/workspace" and b"unreachable" not in where, where)

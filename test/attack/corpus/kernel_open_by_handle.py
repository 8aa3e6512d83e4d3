# A forged handle of inode 2 is the host's root directory on many file systems.
handle = ctypes.create_string_buffer(136)
ctypes.memmove(handle, (8).to_bytes(4, "little") + (1).to_bytes(4, "little") + (2).to_bytes(8, "little"), 16)
root = os.open("/", os.O_RDONLY)
judge_calls({"open_by_handle_at": (304, root, handle, 0), "workspace": (304, os.open("/workspace", 0), handle, 0)})

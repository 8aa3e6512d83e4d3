# The verifier of bpf has been talked into arbitrary kernel reads and writes.
judge_calls(
    {
        "map_create": (321, 0, ctypes.create_string_buffer(4096), 72),
        "prog_load": (321, 5, ctypes.create_string_buffer(4096), 120),
        "obj_get": (321, 7, ctypes.create_string_buffer(4096), 16),
    },
)

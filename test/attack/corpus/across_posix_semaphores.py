from multiprocessing.shared_memory import SharedMemory

verdict(outcome(lambda: SharedMemory("gbx_trace")) != "ok", "shared memory")

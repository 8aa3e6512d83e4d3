# A CPU limit of one second on the own process: SIGXCPU, then SIGKILL from the kernel.
import resource
resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
while True:
    pass

# The answer must not wait for the end of a pipe that the child holds.
import subprocess

subprocess.Popen(["sleep", MARKER])
print("done")

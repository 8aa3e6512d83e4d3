"""PID 1 of a sandbox. Standard library only."""

"""Runs as root of the host: imports once, forks kernels, runs no user code."""

"""Runs as root of the host: makes, limits and ends sandboxes. Standard library only."""

"""Carries a sandbox's files, confined to /workspace. Standard library only."""

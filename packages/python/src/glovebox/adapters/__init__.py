"""Glovebox as a tool of frameworks for agents. Each module imports its framework when it is used."""

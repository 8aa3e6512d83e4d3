"""Modules that are sent to a sandbox as text, and run there."""

from __future__ import annotations

from importlib import resources

_LOADER = """import sys, types
if {name!r} not in sys.modules:
    _module = types.ModuleType({name!r})
    exec(compile({source!r}, {name!r}, "exec"), _module.__dict__)
    sys.modules[{name!r}] = _module
    del _module
"""


def loader(module: str) -> str:
    """Code that brings a module of this folder into a session once, under its name with `glovebox_`."""
    source = resources.files(__name__).joinpath(f"{module}.py").read_text(encoding="utf-8")
    return _LOADER.format(name=f"glovebox_{module}", source=source)

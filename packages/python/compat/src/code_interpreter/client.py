"""Names under which programs may know this client already: put `compat` on PYTHONPATH."""

from glovebox import AsyncClient as CodeInterpreterClient
from glovebox import code_interpreter_tool
from glovebox.genomics import GenomicCodeInterpreter

__all__ = ["CodeInterpreterClient", "GenomicCodeInterpreter", "code_interpreter_tool"]

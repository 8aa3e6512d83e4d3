"""Magics that end otherwise than IPython's own do."""

import shlex
import subprocess
import sys

from IPython.core.magic import Magics, line_magic, magics_class


@magics_class
class OwnMagics(Magics):
    """Stands in for IPython's magics of the same names."""

    @line_magic
    def pip(self, line):
        """Run pip for the Python of this session. One that fails is an error, so that what needs the
        package is not run without it.

        Usage:
          %pip install [pkgs]
        """
        self._run(f"{shlex.quote(sys.executable)} -m pip", line)

    @line_magic
    def uv(self, line):
        """Run uv, where somebody has installed it.

        Usage:
          %uv pip install [pkgs]
        """
        self._run("uv", line)

    def _run(self, command: str, line: str) -> None:
        self.shell.system(f"{command} {line}")
        code = self.shell.user_ns["_exit_code"]
        if code:
            raise subprocess.CalledProcessError(code, f"{command} {line}")
        print("Note: you may need to restart the kernel to use updated packages.")

"""Installs packages from the server's folder of wheels. The gateway sends this text as a quiet cell, with
the names in `PACKAGES`; it prints one JSON object. It runs as the sandbox's user like any other code, and what
it says is believed no more than that.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile

PACKAGES = []  # Replaced by the gateway.
_OUTPUT_CHARACTERS_MAX = 8000


def install() -> dict:
    """What pip did: whether it succeeded, what it installed, and the end of what it said."""
    with tempfile.NamedTemporaryFile("r", suffix=".json", encoding="utf-8") as report:
        options = ["--user", "--only-binary", ":all:"]
        quiet = ["--no-input", "--no-cache-dir", "--no-warn-script-location", "--progress-bar", "off"]
        # Where the wheels lie is in pip's environment, unless earlier code has changed that.
        environment = os.environ | {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/opt/wheels"}
        pip = subprocess.run(
            [sys.executable, "-m", "pip", "install", *options, *quiet]
            + ["--report", report.name, "--", *PACKAGES],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        importlib.invalidate_caches()
        done = json.load(report)["install"] if pip.returncode == 0 else []
    return {
        "ok": pip.returncode == 0,
        "installed": [
            {"name": one["metadata"]["name"], "version": one["metadata"]["version"]} for one in done
        ],
        "output": pip.stdout[-_OUTPUT_CHARACTERS_MAX:],
    }


# The descriptor and not sys.stdout, which earlier code may have replaced.
os.write(1, json.dumps(install()).encode())

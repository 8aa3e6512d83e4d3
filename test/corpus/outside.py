"""Runs a program without a sandbox, as a Jupyter kernel would: one JSON object in, one out. Standard output goes to a file."""

import contextlib
import json
import os
import sys
import tempfile

os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

pictures = 0


def count(data):
    global pictures
    pictures += any(mime.startswith("image/") for mime in data)


class Publisher(DisplayPublisher):
    def publish(self, data, metadata=None, **_):
        count(data)


class Hook(DisplayHook):
    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        count(format_dict)

    def finish_displayhook(self):
        pass


class Shell(InteractiveShell):
    displayhook_class = Hook
    display_pub_class = Publisher

    def enable_gui(self, gui=None):
        pass


def run(cells, argv):
    shell = Shell.instance(colors="NoColor")
    shell.enable_matplotlib("inline")
    sys.argv = argv or [""]
    if argv:
        shell.user_ns["__file__"] = os.path.join(os.getcwd(), argv[0])
    for cell in cells:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
            result = shell.run_cell(cell["source"], store_history=True)
        failure = result.error_before_exec or result.error_in_exec
        if isinstance(failure, SystemExit):
            failure = failure if failure.code not in (None, 0) else None
        if failure is not None and not cell["may_fail"]:
            return {"name": type(failure).__name__, "message": str(failure)[:500]}
    return None


def main():
    asked = json.load(sys.stdin)
    answer = os.dup(1)
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 1)
        # Of the file that 1 is now, so that a child's lines stand where they were written.
        sys.stdout = os.fdopen(os.dup(1), "w", buffering=1)
        error = run(asked["cells"], asked.get("argv"))
        sys.stdout.flush()
        printed.seek(0)
        text = printed.read().decode("utf-8", "replace")
    with os.fdopen(answer, "w") as out:
        json.dump({"error": error, "stdout": text, "pictures": pictures}, out)
        out.flush()
        os._exit(0)


main()

"""Jupyter's own suite for kernels, jupyter_kernel_test, against a kernel of this server."""

import os
import unittest

import jupyter_kernel_test
from remote_kernel import RemoteKernel


class GloveboxTests(jupyter_kernel_test.KernelTests):
    kernel_name = "python3"
    language_name = "python"
    file_extension = ".py"
    code_hello_world = "print('hello, world')"
    code_stderr = "import sys; print('test', file=sys.stderr)"
    completion_samples = [{"text": "zi", "matches": {"zip"}}]
    complete_code_samples = ["1", "print('hello, world')", "def f(x):\n  return x*2\n\n\n"]
    incomplete_code_samples = ["print('''hello", "def f(x):\n  x*2"]
    invalid_code_samples = ["import = 7q"]
    code_page_something = ""
    code_generate_error = "raise ValueError('x')"
    code_execute_result = [{"code": "1+2", "result": "3"}]
    code_display_data = [{"code": "from IPython.display import HTML, display; display(HTML('<b>x</b>'))", "mime": "text/html"}]
    code_history_pattern = "1?2*"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "zip"
    code_clear_output = "from IPython.display import clear_output; clear_output()"

    @classmethod
    def setUpClass(cls):
        cls.km = RemoteKernel(os.environ["GLOVEBOX_URL"], os.environ["GLOVEBOX_TOKEN"])
        cls.kc = cls.km.client()

    @classmethod
    def tearDownClass(cls):
        cls.kc.stop_channels()
        cls.km.shutdown_kernel()


if __name__ == "__main__":
    unittest.main(verbosity=2)

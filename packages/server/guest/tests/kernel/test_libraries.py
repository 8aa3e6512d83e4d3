import unittest

from _glovebox.kernel.libraries import slim
from tests.support import KernelProcess


class LibrariesTest(unittest.TestCase):
    def test_a_script_loses_comments_and_indentation(self):
        script = (
            "/* kept: the licence */\n  // gone\n  var a = 'x'; // stays\n"
            "\n  /* gone\n   * too **/\n\tvar b = \"one\\\n    two\";\n    // gone\n    f();\n"
        )
        self.assertEqual(
            slim(script),
            "/* kept: the licence */\nvar a = 'x'; // stays\nvar b = \"one\\\n    two\";\nf();\n",
        )

    def test_a_chart_with_its_library_fits_into_a_message(self):
        with KernelProcess() as kernel:
            kernel.run(
                "import plotly.graph_objects as go\n"
                "from IPython.display import HTML\n"
                "fig = go.Figure(go.Bar(y=[1, 2]))"
            )
            run = kernel.run("HTML(fig.to_html())")
            [result] = [one for one in run.messages if one["msg_type"] == "execute_result"]
            self.assertGreater(len(result["content"]["data"]["text/html"]), 3_000_000)
            self.assertEqual(run.stderr, "")
            shown = kernel.run("fig.show('notebook')")
            kinds = [one["msg_type"] for one in shown.messages]
            self.assertEqual((kinds, shown.stderr), (["display_data"] * 2 + ["execute_reply"], ""))

    def test_a_warning_is_written_as_python_writes_it(self):
        with KernelProcess() as kernel:
            stderr = kernel.run("import warnings\nwarnings.warn('be careful')").stderr
        self.assertEqual(
            stderr, "<cell 1>:2: UserWarning: be careful\n  warnings.warn('be careful')\n"
        )


if __name__ == "__main__":
    unittest.main()

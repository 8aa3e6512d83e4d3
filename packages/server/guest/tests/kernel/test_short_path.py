"""Plain cells obey what IPython has been told, as cells with magics do."""

import unittest

from tests.support import KernelProcess


class ShortPathTest(unittest.TestCase):
    def setUp(self):
        self.kernel = KernelProcess()
        self.addCleanup(self.kernel.close)
        self.run_cell = self.kernel.run

    def values_of(self, code: str) -> list[str]:
        return [
            one["content"]["data"]["text/plain"]
            for one in self.run_cell(code).messages
            if one["msg_type"] == "execute_result"
        ]

    def test_which_expressions_are_shown_can_be_chosen(self):
        self.run_cell("get_ipython().ast_node_interactivity = 'all'")
        self.assertEqual(self.values_of("1\n2\nx = 3\nx"), ["1", "2", "3"])
        self.run_cell("%config InteractiveShell.ast_node_interactivity = 'last_expr_or_assign'")
        self.assertEqual(self.values_of("y = 5"), ["5"])
        self.run_cell("%config InteractiveShell.ast_node_interactivity = 'none'")
        self.assertEqual(self.values_of("6"), [])
        self.run_cell("%config InteractiveShell.ast_node_interactivity = 'last_expr'")
        self.assertEqual(self.values_of("1\n2"), ["2"])

    def test_input_transformers_of_every_kind_are_asked(self):
        line = "lambda lines: [line.replace('six', '6') for line in lines]"
        for place in (
            "ip.input_transformers_cleanup",
            "ip.input_transformers_post",
            "ip.input_transformer_manager.line_transforms",
        ):
            self.run_cell(f"ip = get_ipython(); change = {line}; {place}.append(change)")
            self.assertEqual(self.values_of("six * 2"), ["12"], place)
            self.run_cell(f"{place}.remove(change)")
            self.assertEqual(self.run_cell("six").reply["error"]["ename"], "NameError", place)

    def test_a_transformer_of_the_prefilter_is_asked(self):
        self.run_cell(
            "from IPython.core.prefilter import PrefilterTransformer\n"
            "class Six(PrefilterTransformer):\n"
            "    def transform(self, line, continue_prompt): return line.replace('six', '6')\n"
            "manager = get_ipython().prefilter_manager\n"
            "six_for_six = Six(shell=get_ipython(), prefilter_manager=manager)"
        )
        self.assertEqual(self.values_of("six * 2"), ["12"])

    def test_a_log_has_cells_and_values(self):
        self.run_cell("%logstart -o log.py")
        self.run_cell("1 + 1")
        self.run_cell("x = 'kept'")
        self.run_cell("%logstop")
        log = self.run_cell("print(open('log.py').read())").stdout
        self.assertIn("1 + 1\n#[Out]# 2\nx = 'kept'\n", log)

    def test_a_macro_is_run_by_its_name(self):
        self.run_cell("x = 6")
        self.run_cell("x * 7")
        self.run_cell("%macro -q again 2")
        self.run_cell("x = 1")
        self.assertEqual(self.values_of("again"), ["7"])

    def test_functions_are_called_without_parentheses_where_that_is_asked_for(self):
        self.run_cell("def five(): return 5")
        self.run_cell("%autocall 2")
        self.assertEqual(self.values_of("five"), ["5"])

    def test_the_result_of_the_last_cell_is_known(self):
        self.run_cell("6 * 7")
        told = "r = get_ipython().last_execution_result; print(r.result, r.success, r.info.raw_cell)"
        self.assertEqual(self.run_cell(told).stdout, "42 True 6 * 7\n")
        self.run_cell("1 / 0")
        self.assertEqual(
            self.run_cell(
                "r = get_ipython().last_execution_result\n"
                "print(type(r.error_in_exec), get_ipython().last_execution_succeeded)"
            ).stdout,
            "<class 'ZeroDivisionError'> False\n",
        )
        self.run_cell("%time 3")
        self.assertEqual(self.run_cell(told).stdout, "3 True %time 3\n")


if __name__ == "__main__":
    unittest.main()

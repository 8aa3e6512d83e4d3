"""`get_ipython().last_execution_result` for cells that took the short path."""

from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult


class LastResult:
    """Made when somebody asks: few do, and making it costs more than many a cell."""

    _last_result = None
    # (code, number, what was raised) of the last cell, where it is not described yet.
    _last_run: tuple[str, int, BaseException | None] | None = None

    @property
    def last_execution_result(self) -> ExecutionResult | None:
        if self._last_run:
            code, count, failure = self._last_run
            result = ExecutionResult(ExecutionInfo(code, True, False, True, None))
            result.execution_count = count
            result.error_in_exec = failure
            result.result = self.history_manager.output_hist.get(count)
            self.last_execution_result = result
        return self._last_result

    @last_execution_result.setter
    def last_execution_result(self, result: ExecutionResult | None) -> None:
        self._last_run, self._last_result = None, result

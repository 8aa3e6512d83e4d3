"""The two MIME types of our own, as formatters of IPython's shell.

They stand behind IPython's own formatters, so a figure has been drawn when its chart is read, and they
honour `include`, `exclude` and `active_types` as any other.
"""

import pandas
from IPython.core.formatters import BaseFormatter
from matplotlib.figure import Figure
from traitlets import ObjectName, Unicode

from _glovebox.display import charts, tables

# The gateway ends an execution whose messages hold too many JSON values (see docs/guest-protocol.md).
# A cell that shows hundreds of tables must not end for what we add to them.
_VALUES_OF_ONE_EXECUTION = 150_000


class StructuredFormatter(BaseFormatter):
    """Describes objects of `kind`. Asked for every value that is shown, so it looks at the type first."""

    _return_type = dict
    kind: type | tuple[type, ...]

    def __call__(self, obj):
        if not self._is_meant(obj) or not self.enabled:
            return None
        spent = self._spent_so_far()
        if spent.values >= _VALUES_OF_ONE_EXECUTION:
            return None
        described = self._describe(obj)
        if described is not None:
            spent.values += _count_values(described)
        return described

    def _is_meant(self, obj) -> bool:
        raise NotImplementedError

    def _describe(self, obj) -> dict | None:
        raise NotImplementedError

    def _spent_so_far(self) -> "Spent":
        shell = self.parent.parent
        spent = shell.structured_values
        if spent.execution != shell.execution_count:
            spent.execution, spent.values = shell.execution_count, 0
        return spent


class ChartFormatter(StructuredFormatter):
    format_type = Unicode("application/vnd.glovebox.chart+json")
    print_method = ObjectName("_repr_glovebox_chart_")

    def _is_meant(self, obj) -> bool:
        return isinstance(obj, Figure)

    def _describe(self, obj) -> dict | None:
        return charts.describe(obj)


class TableFormatter(StructuredFormatter):
    format_type = Unicode("application/vnd.glovebox.table+json")
    print_method = ObjectName("_repr_glovebox_table_")

    def _is_meant(self, obj) -> bool:
        """Not subclasses: what they show is for them to say."""
        kind = type(obj)
        return kind is pandas.DataFrame or kind is pandas.Series

    def _describe(self, obj) -> dict | None:
        return tables.describe(obj)


class Spent:
    """How many values the current execution has shown."""

    execution = 0
    values = 0


def install(shell) -> None:
    shell.structured_values = Spent()
    display = shell.display_formatter
    for kind in (ChartFormatter, TableFormatter):
        formatter = kind(parent=display)
        display.formatters[formatter.format_type] = formatter
    display.active_types = display.format_types


def _count_values(value) -> int:
    """As the gateway counts: a key, an array or an object as ten, a text as three."""
    if isinstance(value, dict):
        return 10 + sum(10 + _count_values(one) for one in value.values())
    if isinstance(value, list):
        return 10 + sum(map(_count_values, value))
    return 3 if isinstance(value, str) else 1

"""What happens while code runs, one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Optional


@dataclass(frozen=True)
class Event:
    """``docs/executions.md`` has the types and what is in ``data``. The last one is ``result``."""

    type: str
    data: Any
    """A ``Result`` for ``result`` of a run, else the JSON of the event."""
    id: Optional[int] = None
    """Counted from 1 for each execution."""

    @property
    def text(self) -> str:
        """What was printed, or the plain text of what was shown; else nothing."""
        if self.type == "stream":
            return str(self.data["text"])
        bundle = self.data.get("data") if isinstance(self.data, Mapping) else None
        plain = bundle.get("text/plain", "") if isinstance(bundle, Mapping) else ""
        return "".join(plain) if isinstance(plain, list) else str(plain)


EXECUTION_EVENTS = frozenset(
    {
        "execution",
        "stream",
        "display_data",
        "update_display_data",
        "clear_output",
        "execute_result",
        "error",
        "input_request",
        "gap",
        "result",
    }
)

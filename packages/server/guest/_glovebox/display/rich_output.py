"""Rich output on its way from IPython to the gateway: MIME bundles as JSON, and results."""

import base64

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher


class Publisher(DisplayPublisher):
    """Rich output on its way to the gateway. `send` is given when the kernel starts."""

    def publish(self, data, metadata=None, *, transient=None, update=False, **_):
        content = {"data": encodable(data), "metadata": metadata or {}, "transient": transient or {}}
        self.shell.send("update_display_data" if update else "display_data", content)

    def clear_output(self, wait=False):
        self.shell.send("clear_output", {"wait": bool(wait)})


class PlainPrinters:
    """Whether numbers and truth values are shown as at the beginning."""

    def __init__(self, display):
        self._display = display
        printers = display.formatters["text/plain"].type_printers
        self._first_printers = {kind: printers.get(kind) for kind in (int, bool)}
        self._first_active = list(display.active_types)

    def untouched(self, kind: type) -> bool:
        printers = self._display.formatters["text/plain"].type_printers
        return (
            printers.get(kind) is self._first_printers.get(kind)
            and self._display.active_types == self._first_active
        )


class ResultHook(DisplayHook):
    """The value of a cell's last expression."""

    def __call__(self, result=None):
        # The commonest results need none of the ten formatters. Their printers can be replaced, so
        # look first whether they were.
        shell = self.shell
        is_plain = type(result) in (int, bool) and shell.plain_printers.untouched(type(result))
        if is_plain and not shell.logger.log_active:
            if not self.quiet():
                self.update_user_ns(result)
                self.fill_exec_result(result)
                text = repr(result)
                self.write_format_data({"text/plain": text})
                shell.history_manager.output_hist_reprs[self.prompt_count] = text
            return
        super().__call__(result)

    def write_output_prompt(self):
        """The prompt is the client's affair."""

    def write_format_data(self, format_dict, md_dict=None):
        self.shell.hold(
            "execute_result",
            {
                "execution_count": self.prompt_count,
                "data": encodable(format_dict),
                "metadata": md_dict or {},
            },
        )

    def finish_displayhook(self):
        """Nothing is buffered here."""


def encodable(bundle: dict) -> dict:
    """A MIME bundle as JSON: bytes become base64, and what JSON cannot say becomes text."""
    encoded = {}
    for mime, value in bundle.items():
        mime = str(mime)
        if isinstance(value, bytes):
            value = base64.b64encode(value).decode("ascii")
        elif not (mime == "application/json" or mime.endswith("+json")) and not isinstance(value, str):
            value = str(value)
        encoded[mime] = value
    return encoded

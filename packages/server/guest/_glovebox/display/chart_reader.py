"""What reading the artists of one axes shares: the series so far, the room that is left, labels and colours."""

import numpy
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D

from _glovebox.display import bounded
from _glovebox.display.chart_axis import AxisReader


class Reader:
    """Collects the series of one axes. An artist that is part of something larger is in `done`."""

    def __init__(self, axes, allowance: bounded.Allowance, points_max: int, series_max: int):
        self.axes = axes
        self.x = AxisReader(axes.xaxis)
        self.y = AxisReader(axes.yaxis)
        self.allowance = allowance
        self.points_max = points_max
        self.series: list[dict] = []
        self.done: set[int] = set()
        self.legend = _legend_labels(axes)
        self._series_max = series_max
        self._unknown: dict[str, dict] = {}

    @property
    def has_room(self) -> bool:
        if len(self.series) < self._series_max and not self.allowance.is_used_up:
            return True
        self.allowance.truncated = True
        return False

    def add(self, kind: str, label: str | None, **facts) -> dict:
        series = {"type": kind, "label": label}
        series.update((name, value) for name, value in facts.items() if value is not None)
        self.series.append(series)
        return series

    def add_points(self, kind: str, label: str | None, x, y, **facts) -> dict:
        (x, y), more = self.sample(numpy.ma.asarray(x), numpy.ma.asarray(y))
        return self.add(kind, label, x=self.x.values(x), y=self.y.values(y), **facts, **more)

    def add_unknown(self, artist) -> None:
        """Artists of one class that is not understood make one series together, which counts them."""
        name = bounded.cut(type(artist).__name__, 80)
        if name not in self._unknown:
            self._unknown[name] = self.add("unknown", self.label(artist), artist=name, count=0)
        self._unknown[name]["count"] += 1

    def consume(self, container) -> None:
        self.done.add(id(container))
        self.done.update(id(artist) for artist in container.get_children())

    def label(self, artist, color: str | None = None) -> str | None:
        """Its own label, or the legend's for its colour."""
        label = artist.get_label() if hasattr(artist, "get_label") else None
        if isinstance(label, str) and label and not label.startswith("_"):
            return bounded.plain_text(label)
        return self.legend.get(color) if color is not None else None

    def sample(self, *arrays) -> tuple[list, dict]:
        """As many points of these arrays as there is room for, and the `length` where some are left out."""
        length = min(len(array) for array in arrays)
        wanted = min(length, self.points_max)
        shown = self.allowance.take(wanted * len(arrays)) // len(arrays)
        if shown == length:
            return [array[:length] for array in arrays], {}
        self.allowance.truncated = True
        chosen = bounded.even_sample(length, shown)
        return [array[chosen] for array in arrays], {"length": length}

    def is_in_data(self, artist) -> bool:
        """Whether it is drawn where its numbers say, and not in parts of the axes or the figure."""
        return artist.get_transform().contains_branch(self.axes.transData)


def color_of(artist) -> str | None:
    """The colour that a legend shows for it."""
    try:
        color = artist.get_color() if isinstance(artist, Line2D) else artist.get_facecolor()
        color = numpy.asarray(color)[0] if getattr(color, "ndim", 1) == 2 else color
        return to_hex(color)
    except (ValueError, TypeError, AttributeError, IndexError):
        return None


def legend_of(axes):
    """The legend of the axes, or of the figure for all its axes."""
    legends = [axes.get_legend(), *axes.figure.legends]
    return next((legend for legend in legends if legend is not None), None)


def _legend_labels(axes) -> dict[str, str]:
    """What the legend says about each colour; seaborn labels nothing else."""
    legend = legend_of(axes)
    if legend is None:
        return {}
    labels = {}
    for handle, text in list(zip(legend.legend_handles, legend.get_texts()))[:100]:
        color = color_of(handle)
        if color is not None:
            labels.setdefault(color, bounded.plain_text(text.get_text()))
    return labels

"""What a matplotlib figure shows, as data: titles, axes and series that a program or a model can read.

The figure has been drawn when this looks at it, and is not changed. What is read is bounded in points, in
series and in time, and a figure that cannot be read has no chart: never an error.
See docs/rich-results.md for the shape.
"""

from _glovebox.display import bounded
from _glovebox.display.chart_reader import Reader, legend_of
from _glovebox.display.chart_series import read_series

_NUMBERS_MAX = 10_000
_POINTS_OF_ONE_SERIES = (20, 500)
_SERIES_MAX = 100
_AXES_MAX = 20
_SECONDS_MAX = 0.1
# What is no data, and marks values.
_MARKS = ("horizontal_line", "vertical_line", "horizontal_span", "vertical_span")
# What a chart is called when it has this and other things, which then only accompany it.
_LEADING = ("pie", "heatmap", "contour", "violin", "box", "hist", "stem", "errorbar")


def describe(figure) -> dict | None:
    """The chart of a figure that has just been drawn."""
    try:
        return _describe(figure)
    except Exception:
        return None


def _describe(figure) -> dict | None:
    allowance = bounded.Allowance(_NUMBERS_MAX, _SECONDS_MAX)
    shown = [
        axes
        for axes in figure.axes
        # A colour bar explains the colours of another one's series.
        if axes.get_visible() and getattr(axes, "_colorbar", None) is None
    ]
    if not shown:
        return None
    if len(shown) > _AXES_MAX:
        allowance.truncated = True
        shown = shown[:_AXES_MAX]
    points_max = _points_of_each(shown)
    described, series_left = [], _SERIES_MAX
    for axes in shown:
        one = _describe_axes(axes, allowance, points_max, series_left)
        twin = _twin_of(axes, shown[: len(described)])
        if twin is not None:
            one["twin_of"] = twin
        series_left -= len(one["series"])
        described.append(one)
    figure_title = bounded.plain_text(figure.get_suptitle())
    titles = [one["title"] for one in described if one["title"]]
    chart = {
        "type": _type_of([series for one in described for series in one["series"]]),
        "title": titles[0] if len(titles) == 1 or not figure_title and titles else figure_title,
        "axes": described,
        "truncated": allowance.truncated,
    }
    if figure_title:
        chart["figure_title"] = figure_title
    return chart


def _points_of_each(shown: list) -> int:
    """Many series have fewer points each, so that the last ones have any."""
    series = sum(len(axes.lines) + len(axes.collections) + len(axes.containers) for axes in shown)
    fewest, most = _POINTS_OF_ONE_SERIES
    return max(fewest, min(most, _NUMBERS_MAX // (2 * max(1, series))))


def _describe_axes(axes, allowance: bounded.Allowance, points_max: int, series_max: int) -> dict:
    reader = Reader(axes, allowance, points_max, series_max)
    series = read_series(reader)
    titles = (axes.get_title(loc) for loc in ("center", "left", "right"))
    described = {
        "title": bounded.plain_text(next(filter(None, titles), None)),
        "x": reader.x.describe(),
        "y": reader.y.describe(),
    }
    if axes.name != "rectilinear":
        described["projection"] = bounded.cut(str(axes.name))
    legend = legend_of(axes)
    if legend is not None and bounded.plain_text(legend.get_title().get_text()):
        described["legend_title"] = bounded.plain_text(legend.get_title().get_text())
    layout = _layout_of_bars(series)
    if layout is not None:
        described["layout"] = layout
    described["series"] = series
    return described


def _twin_of(axes, before: list) -> int | None:
    siblings = {id(one) for one in axes._twinned_axes.get_siblings(axes)}
    return next((index for index, other in enumerate(before) if id(other) in siblings), None)


def _layout_of_bars(series: list[dict]) -> str | None:
    bars = [one for one in series if one["type"] == "bar"]
    if len(bars) < 2:
        return None
    return "stacked" if any("base" in one for one in bars[1:]) else "grouped"


def _type_of(series: list[dict]) -> str:
    types = list(dict.fromkeys(one["type"] for one in series if one["type"] not in _MARKS))
    known = [one for one in types if one != "unknown"] or types
    if len(known) < 2:
        return known[0] if known else "unknown"
    leading = [one for one in _LEADING if one in known]
    if leading:
        return leading[0]
    if set(known) == {"line", "area"}:
        # A band around a line accompanies it; what stands on a level ground is an area of its own.
        grounded = (one for one in series if one["type"] == "area" and len(set(one.get("base", ()))) == 1)
        return "area" if any(grounded) else "line"
    return "mixed"

"""Bars, histograms and error bars. matplotlib draws a histogram as bars without gaps, or as one outline."""

import numpy
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.patches import StepPatch

from _glovebox.display import bounded
from _glovebox.display.chart_reader import Reader, color_of

_POINTS_OF_AN_ERROR_LINE = 8
_ERROR_RANGES_MAX = 2000


def read_bars(reader: Reader, container: BarContainer) -> None:
    reader.consume(container)
    patches = [patch for patch in container.patches if patch.get_visible()]
    if not patches:
        return
    is_horizontal = container.orientation == "horizontal"
    across, along = (1, 0) if is_horizontal else (0, 1)
    # Of thousands of bars only some are shown, and whether these are a histogram is seen by them.
    corners = numpy.array([patch.get_bbox().get_points() for patch in patches[: 20 * reader.points_max]])
    bases, ends = corners[:, 0, along], corners[:, 1, along]
    sides = numpy.sort(corners[:, :, across], axis=1)
    label = _label_of(reader, container)
    if _is_histogram(reader, sides, is_horizontal):
        edges = numpy.append(sides[:, 0], sides[-1, 1])
        add_histogram(reader, label, edges, ends - bases, is_horizontal)
        return
    middles = sides.mean(axis=1)
    errors = _errors_of(reader, container, middles, is_horizontal)
    (shown, values, bases), more = reader.sample(middles, ends - bases, bases)
    names = (reader.y if is_horizontal else reader.x).nearest(shown)
    amounts = bounded.numbers(values)
    reader.add(
        "bar",
        label,
        orientation=_orientation(is_horizontal),
        x=amounts if is_horizontal else names,
        y=names if is_horizontal else amounts,
        base=bounded.numbers(bases) if bases.any() else None,
        **more or errors,
    )


def _label_of(reader: Reader, container: BarContainer) -> str | None:
    """Axes.hist labels the first of its bars and not the container; labels of single bars are no series'."""
    first, *others = container.patches
    label = reader.label(container) or (reader.label(first) if not any(map(reader.label, others[:1])) else None)
    return label or reader.legend.get(color_of(first))


def add_histogram(reader: Reader, label: str | None, edges, heights, is_horizontal: bool) -> None:
    (edges, heights), more = reader.sample(edges, numpy.append(heights, numpy.nan))
    reader.add(
        "hist",
        label,
        orientation=_orientation(is_horizontal),
        edges=(reader.y if is_horizontal else reader.x).values(edges),
        heights=bounded.numbers(heights if more else heights[:-1]),
        **more,
    )


def read_stairs(reader: Reader, patch: StepPatch) -> None:
    heights, edges, _ = patch.get_data()
    is_horizontal = patch.orientation == "horizontal"
    label = reader.label(patch, color_of(patch))
    add_histogram(reader, label, numpy.asarray(edges), numpy.asarray(heights), is_horizontal)


def is_histogram_outline(points) -> bool:
    """hist(histtype="step"): from the ground up, along a bin, up or down, along the next one."""
    steps = numpy.diff(points, axis=0)
    return len(points) > 4 and points[0, 1] == 0 and not (steps[:, 0] * steps[:, 1]).any()


def add_histogram_outline(reader: Reader, label: str | None, points, is_filled: bool) -> None:
    # A filled one goes back along the ground.
    forth = points[: len(points) // 2 + 1] if is_filled else points
    edges = forth[::2, 0]
    add_histogram(reader, label, edges, forth[1::2, 1][: len(edges) - 1], is_horizontal=False)


def read_error_bars(reader: Reader, container: ErrorbarContainer) -> None:
    reader.consume(container)
    line = container.lines[0]
    if line is not None:
        x, y = line.get_data(orig=False)
    else:
        segments = numpy.array(container.lines[2][0].get_segments())
        x, y = segments[:, :, 0].mean(axis=1), segments[:, :, 1].mean(axis=1)
    label = reader.label(container, color_of(line) if line is not None else None)
    series = reader.add_points("errorbar", label, x, y)
    if len(series["x"]) == len(x):
        series.update(_error_ranges(container))


def merge_single_bars(series: list[dict]) -> list[dict]:
    """seaborn gives each bar a colour by a call of its own; together they are one series."""
    bars = [one for one in series if one["type"] == "bar"]
    names = [one["y" if one["orientation"] == "horizontal" else "x"] for one in bars]
    labels = {one["label"] for one in bars}
    is_one = all(len(name) == 1 and "base" not in one for name, one in zip(names, bars))
    if len(bars) < 2 or not is_one or len({name[0] for name in names}) < len(bars) or labels != {None}:
        return series
    merged = bars[0] | {
        part: [value for one in bars for value in one[part]]
        for part in bars[0]
        if all(isinstance(one.get(part), list) for one in bars)
    }
    return [merged, *(one for one in series if one["type"] != "bar")]


def _is_histogram(reader: Reader, sides, is_horizontal: bool) -> bool:
    """Bars without gaps over a scale of numbers."""
    if len(sides) < 2 or (reader.y if is_horizontal else reader.x).has_categories:
        return False
    room = 1e-9 * (sides[-1, 1] - sides[0, 0])
    return bool(numpy.allclose(sides[1:, 0], sides[:-1, 1], rtol=1e-6, atol=room))


def _errors_of(reader: Reader, container: BarContainer, middles, is_horizontal: bool) -> dict:
    if container.errorbar is not None:
        reader.consume(container.errorbar)
        return _error_ranges(container.errorbar)
    # seaborn draws each as a line of its own over the middle of its bar.
    ranges = {}
    for line in reader.axes.lines[: 10 * len(middles)]:
        if id(line) in reader.done or not 2 <= len(line.get_xdata(orig=False)) <= _POINTS_OF_AN_ERROR_LINE:
            continue
        across, along = line.get_data(orig=False)[:: -1 if is_horizontal else 1]
        if reader.label(line) or across[0] != across[-1] or not reader.is_in_data(line):
            continue
        found = numpy.flatnonzero(numpy.abs(middles - across[0]) < 1e-6)
        if len(found) == 1:
            ranges[int(found[0])] = (numpy.nanmin(along), numpy.nanmax(along))
            reader.done.add(id(line))
    if not ranges:
        return {}
    return {
        name: [bounded.number(ranges[at][side]) if at in ranges else None for at in range(len(middles))]
        for side, name in enumerate(("error_low", "error_high"))
    }


def _error_ranges(container: ErrorbarContainer) -> dict:
    """The ends of the error bars, from the segments that were drawn."""
    given = (("x", 0, container.has_xerr), ("y", 1, container.has_yerr))
    directions = [(name, side) for name, side, is_there in given if is_there]
    ranges = {}
    for (name, side), lines in zip(directions, container.lines[2]):
        segments = lines.get_segments()[:_ERROR_RANGES_MAX]
        for end, suffix in ((0, "error_low"), (-1, "error_high")):
            ends = [bounded.number(one[end][side]) if len(one) else None for one in segments]
            ranges[f"{name}_{suffix}" if len(directions) > 1 else suffix] = ends
    return ranges


def _orientation(is_horizontal: bool) -> str:
    return "horizontal" if is_horizontal else "vertical"

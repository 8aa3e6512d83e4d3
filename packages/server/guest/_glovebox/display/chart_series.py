"""The artists of one axes, read as series: which kind each is, and the points of lines, areas and boxes."""

from typing import Callable

import numpy
from matplotlib.collections import FillBetweenPolyCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer, ErrorbarContainer, StemContainer
from matplotlib.contour import ContourSet
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Polygon, Rectangle, StepPatch, Wedge

from _glovebox.display import bounded, chart_bars, chart_grids
from _glovebox.display.chart_boxes import Box, find_boxes
from _glovebox.display.chart_reader import Reader, color_of

_LINES_SEARCHED_MAX = 5000
_LEVELS_MAX = 200
_PATHS_MAX = 100


def read_series(reader: Reader) -> list[dict]:
    """What consists of several artists comes first, so that its parts are not taken for themselves."""
    axes = reader.axes
    bars = [one for one in axes.containers if isinstance(one, BarContainer)]
    for container in bars:
        _try(reader, container, chart_bars.read_bars)
    for container in axes.containers:
        if id(container) not in reader.done:
            _try(reader, container, _read_container)
    _try(reader, axes.patches, _read_pie)
    _try(reader, axes.lines, _read_boxes)
    for artists, read in (
        (axes.lines, _read_line),
        (axes.collections, _read_collection),
        (axes.patches, _read_patch),
        (axes.images, chart_grids.read_image),
    ):
        for artist in artists:
            if id(artist) not in reader.done and artist.get_visible():
                _try(reader, artist, read)
    return chart_bars.merge_single_bars(reader.series)


def _try(reader: Reader, artist, read: Callable) -> None:
    if not reader.has_room:
        return
    try:
        read(reader, artist)
    except Exception:  # An artist of a class that only looks like one we know.
        reader.add_unknown(artist)


def _read_container(reader: Reader, container) -> None:
    if isinstance(container, ErrorbarContainer):
        chart_bars.read_error_bars(reader, container)
    elif isinstance(container, StemContainer):
        reader.consume(container)
        x, y = container.markerline.get_data(orig=False)
        reader.add_points("stem", reader.label(container), x, y)


# --- lines -----------------------------------------------------------------------------------


def _read_line(reader: Reader, line: Line2D) -> None:
    label = reader.label(line, color_of(line))
    if getattr(line, "_verts3d", None) is not None:
        _add_points_in_space(reader, "line", label, line._verts3d)
        return
    if not reader.is_in_data(line):
        _read_mark(reader, line, label)
        return
    x, y = line.get_data(orig=False)
    if len(x) == 0:
        return  # Stands in the legend only.
    style = str(line.get_drawstyle())
    if style.startswith("steps"):
        reader.add_points("step", label, x, y, where=style.removeprefix("steps").lstrip("-") or "pre")
    else:
        is_loose = line.get_linestyle() in ("None", "", " ")
        reader.add_points("scatter" if is_loose else "line", label, x, y)


def _read_mark(reader: Reader, line: Line2D, label: str | None) -> None:
    """axhline and axvline: across the whole axes at one value."""
    x, y = (numpy.asarray(one)[:1] for one in line.get_data(orig=False))
    if line.get_transform() == reader.axes.get_yaxis_transform(which="grid"):
        reader.add("horizontal_line", label, y=reader.y.values(y))
    elif line.get_transform() == reader.axes.get_xaxis_transform(which="grid"):
        reader.add("vertical_line", label, x=reader.x.values(x))
    else:
        reader.add_unknown(line)


def _add_points_in_space(reader: Reader, kind: str, label: str | None, places) -> None:
    points, more = reader.sample(*(numpy.ma.asarray(one) for one in places))
    x, y, z = (bounded.numbers(one) for one in points)
    reader.add(kind, label, x=x, y=y, z=z, **more)


def _read_boxes(reader: Reader, lines) -> None:
    found, used = find_boxes(list(lines)[:_LINES_SEARCHED_MAX])
    if not found:
        return
    reader.done.update(used)
    faces = [patch for patch in reader.axes.patches if isinstance(patch, PathPatch)]
    if len(faces) == len(found):
        reader.done.update(id(face) for face in faces)
        groups = [reader.legend.get(color_of(face)) for face in faces]
    else:
        groups = [None] * len(found)
    is_vertical = found[0].is_vertical
    place = reader.x if is_vertical else reader.y
    names = place.nearest(numpy.array([box.position for box in found]))
    boxes = []
    for box, name, group in zip(found, names, groups):
        if not reader.allowance.take(7):
            break
        boxes.append(_describe_box(reader, box, name, group))
    reader.add("box", None, orientation="vertical" if is_vertical else "horizontal", boxes=boxes)


def _describe_box(reader: Reader, box: Box, name, group: str | None) -> dict:
    scale = reader.y if box.is_vertical else reader.x
    summary = scale.values(numpy.array([box.low, box.q1, box.median, box.q3, box.high]))
    (outliers,), more = reader.sample(box.outliers)
    return {
        "category": name,
        **({"group": group} if group else {}),
        **dict(zip(("min", "q1", "median", "q3", "max"), summary)),
        "outliers": scale.values(outliers),
        **more,
    }


# --- collections -----------------------------------------------------------------------------


def _read_collection(reader: Reader, collection) -> None:
    if getattr(collection, "_offsets3d", None) is not None:
        _add_points_in_space(reader, "scatter", reader.label(collection), collection._offsets3d)
    elif isinstance(collection, ContourSet):
        levels = numpy.asarray(collection.levels, dtype=float)[: reader.allowance.take(_LEVELS_MAX)]
        reader.add("contour", None, is_filled=bool(collection.filled), levels=bounded.numbers(levels))
    elif isinstance(collection, QuadMesh):
        chart_grids.read_mesh(reader, collection)
    elif isinstance(collection, FillBetweenPolyCollection):
        _read_area(reader, collection)
    elif isinstance(collection, PathCollection):
        _read_scatter(reader, collection)
    elif isinstance(collection, PolyCollection) and collection.get_array() is not None:
        _read_hexagons(reader, collection)
    else:
        reader.add_unknown(collection)


def _read_scatter(reader: Reader, collection: PathCollection) -> None:
    places = numpy.ma.asarray(collection.get_offsets())
    if len(places) == 0:
        return  # Stands in the legend only.
    faces = collection.get_facecolors()
    label = reader.label(collection, to_hex(faces[0]) if len(faces) == 1 else None)
    columns = {"x": places[:, 0], "y": places[:, 1]}
    values, sizes = collection.get_array(), collection.get_sizes()
    if values is not None and len(values) == len(places):
        columns["values"] = numpy.ma.asarray(values)
    elif len(faces) == len(places) > 1 and reader.legend:
        columns["face"] = numpy.arange(len(places))
    if len(sizes) == len(places) > 1:
        columns["sizes"] = sizes
    sampled, more = reader.sample(*columns.values())
    columns = dict(zip(columns, sampled))
    chosen = columns.pop("face", None)
    names = [] if chosen is None else [reader.legend.get(to_hex(faces[one])) for one in chosen.tolist()]
    if names and None not in names:
        # seaborn's hue: one collection, whose colours the legend explains.
        for name in dict.fromkeys(names):
            is_its = numpy.array([one == name for one in names])
            _add_scatter(reader, name, {part: array[is_its] for part, array in columns.items()}, more)
    else:
        _add_scatter(reader, label, columns, more)


def _add_scatter(reader: Reader, label: str | None, columns: dict, more: dict) -> None:
    facts = {"x": reader.x.values(columns["x"]), "y": reader.y.values(columns["y"])}
    facts.update((part, bounded.numbers(columns[part])) for part in ("values", "sizes") if part in columns)
    reader.add("scatter", label, **facts, **more)


def _read_area(reader: Reader, collection: FillBetweenPolyCollection) -> None:
    """Each outline goes along one curve and back along the other, see its _make_verts_for_region."""
    curves = []
    for path in collection.get_paths()[:_PATHS_MAX]:
        points = path.vertices
        half = (len(points) - 3) // 2
        curves.append((points[1 : 1 + half], points[2 + half : 2 + 2 * half][::-1]))
    if not curves:
        return
    one, other = (numpy.concatenate(parts) for parts in zip(*curves))
    label = reader.label(collection, color_of(collection))
    is_horizontal = collection.t_direction == "y"
    side = 0 if is_horizontal else 1
    if is_horizontal and _is_violin(one, other):
        low, high = reader.y.values(numpy.array([one[:, 1].min(), one[:, 1].max()]))
        middle = (one[:1, 0] + other[:1, 0]) / 2
        reader.add("violin", label, category=reader.x.nearest(middle)[0], min=low, max=high)
        return
    curve, ground = (one[:, side], other[:, side])
    if numpy.ptp(curve) == 0 or (numpy.ptp(ground) != 0 and curve.mean() < ground.mean()):
        curve, ground = ground, curve
    (along, curve, ground), more = reader.sample(one[:, 1 - side], curve, ground)
    scale = reader.x if is_horizontal else reader.y
    reader.add(
        "area",
        label,
        orientation="horizontal" if is_horizontal else None,
        x=reader.x.values(curve if is_horizontal else along),
        y=reader.y.values(along if is_horizontal else curve),
        base=scale.values(ground),
        **more,
    )


def _is_violin(one, other) -> bool:
    """Both sides are as far from the same line."""
    middle = (one[:, 0] + other[:, 0]) / 2
    return len(middle) > 10 and bool(numpy.ptp(middle) <= 1e-6 * max(1.0, abs(middle[0])))


def _read_hexagons(reader: Reader, collection: PolyCollection) -> None:
    places, values = collection.get_offsets(), collection.get_array()
    if len(places) != len(values):
        reader.add_unknown(collection)
        return
    (x, y, values), more = reader.sample(places[:, 0], places[:, 1], values)
    facts = {"x": reader.x.values(x), "y": reader.y.values(y), "values": bounded.numbers(values)}
    reader.add("hexbin", reader.label(collection), **facts, **more)


# --- patches ---------------------------------------------------------------------------------


def _read_pie(reader: Reader, patches) -> None:
    wedges = [patch for patch in patches if isinstance(patch, Wedge) and patch.get_visible()]
    if not wedges:
        return
    reader.done.update(id(wedge) for wedge in wedges)
    shown = wedges[: reader.allowance.take(2 * min(len(wedges), reader.points_max)) // 2]
    # matplotlib keeps the angles in single precision.
    parts = [bounded.number(round(float(wedge.theta2 - wedge.theta1) / 360, 6)) for wedge in shown]
    names = [reader.label(wedge, color_of(wedge)) for wedge in shown]
    length = len(wedges) if len(shown) < len(wedges) else None
    reader.add("pie", None, x=names, y=parts, unit="fraction", length=length)


def _read_patch(reader: Reader, patch) -> None:
    if isinstance(patch, Rectangle):
        _read_rectangle(reader, patch)
        return
    if isinstance(patch, StepPatch):
        chart_bars.read_stairs(reader, patch)
        return
    if not isinstance(patch, Polygon) or not reader.is_in_data(patch):
        reader.add_unknown(patch)
        return
    points = patch.get_xy()
    label = reader.label(patch, color_of(patch))
    if chart_bars.is_histogram_outline(points):
        chart_bars.add_histogram_outline(reader, label, points, patch.get_closed() and patch.get_fill())
    else:
        reader.add_points("fill", label, points[:, 0], points[:, 1])


def _read_rectangle(reader: Reader, patch: Rectangle) -> None:
    """axvspan and axhspan: across the whole axes between two values."""
    if patch.get_width() == 0 and patch.get_height() == 0:
        return  # Stands in the legend only.
    (left, bottom), (right, top) = patch.get_bbox().get_points()
    transform = patch.get_data_transform()
    label = reader.label(patch, color_of(patch))
    if transform == reader.axes.get_xaxis_transform(which="grid"):
        reader.add("vertical_span", label, x=reader.x.values(numpy.array([left, right])))
    elif transform == reader.axes.get_yaxis_transform(which="grid"):
        reader.add("horizontal_span", label, y=reader.y.values(numpy.array([bottom, top])))
    else:
        reader.add_unknown(patch)

"""Grids of values: images and meshes. A large one is shown by evenly chosen rows and columns."""

import numpy
from matplotlib.collections import QuadMesh
from matplotlib.image import AxesImage

from _glovebox.display import bounded
from _glovebox.display.chart_reader import Reader

_SIDE_MAX = 50


def read_mesh(reader: Reader, mesh: QuadMesh) -> None:
    corners = mesh.get_coordinates()
    rows, columns = corners.shape[0] - 1, corners.shape[1] - 1
    values = mesh.get_array()
    if values is None:
        reader.add_unknown(mesh)
        return
    if values.size == (rows + 1) * (columns + 1):  # shading="gouraud": values stand at the corners.
        rows, columns = rows + 1, columns + 1
        x, y = corners[0, :, 0], corners[:, 0, 1]
    else:
        x = (corners[0, :-1, 0] + corners[0, 1:, 0]) / 2
        y = (corners[:-1, 0, 1] + corners[1:, 0, 1]) / 2
    _add_grid(reader, mesh, numpy.ma.asarray(values).reshape(rows, columns), x, y)


def read_image(reader: Reader, image: AxesImage) -> None:
    values = image.get_array() if isinstance(image, AxesImage) else None
    if values is None:
        reader.add_unknown(image)
    elif values.ndim != 2:  # Of a picture in colours only the size is told.
        reader.add("image", reader.label(image), shape=list(values.shape))
    else:
        left, right, bottom, top = image.get_extent()
        rows, columns = values.shape
        x = left + (numpy.arange(columns) + 0.5) * (right - left) / columns
        first, last = (bottom, top) if image.origin == "lower" else (top, bottom)
        y = first + (numpy.arange(rows) + 0.5) * (last - first) / rows
        _add_grid(reader, image, values, x, y)


def _add_grid(reader: Reader, artist, values, x, y) -> None:
    shape = list(values.shape)
    side = min(_SIDE_MAX, int(reader.allowance.values**0.5))
    chosen_rows, chosen_columns = (bounded.even_sample(length, side) for length in shape)
    values = values[chosen_rows][:, chosen_columns]
    reader.allowance.take(values.size)
    if list(values.shape) != shape:
        reader.allowance.truncated = True
    bar = artist.colorbar
    reader.add(
        "heatmap",
        reader.label(artist),
        x=reader.x.values(x[chosen_columns]),
        y=reader.y.values(y[chosen_rows]),
        values=[bounded.numbers(row) for row in values],
        shape=shape,
        values_label=bounded.plain_text(bar.ax.get_ylabel() or bar.ax.get_xlabel()) if bar else None,
    )

"""Box plots. matplotlib keeps no record of them: they are lines, drawn one after the other in the
order of `Axes.bxp`: the box (unless it is a patch), two whiskers, two caps, the median, the mean, the outliers."""

from dataclasses import dataclass

import numpy


@dataclass
class Box:
    is_vertical: bool
    position: float
    low: float
    q1: float
    median: float
    q3: float
    high: float
    outliers: numpy.ndarray


def find_boxes(lines: list) -> tuple[list[Box], set[int]]:
    """The boxes among these lines, and the ids of the lines that they are made of."""
    boxes: list[Box] = []
    used: set[int] = set()
    index = 0
    while index + 2 < len(lines):
        box, length = _box_at(lines, index)
        if box is None:
            index += 1
            continue
        if index > 0 and _is_outline(lines[index - 1]):
            used.add(id(lines[index - 1]))
        used.update(id(line) for line in lines[index : index + length])
        boxes.append(box)
        index += length
    if len({box.is_vertical for box in boxes}) > 1:
        return [], set()
    return boxes, used


def _box_at(lines: list, index: int) -> tuple[Box | None, int]:
    for is_vertical in (True, False):
        box, length = _directed_box_at(lines, index, is_vertical)
        if box is not None:
            return box, length
    return None, 0


def _directed_box_at(lines: list, index: int, is_vertical: bool) -> tuple[Box | None, int]:
    low = _whisker(lines[index], is_vertical)
    high = _whisker(lines[index + 1], is_vertical)
    if low is None or high is None or low[0] != high[0]:
        return None, 0
    position = low[0]
    end = index + 2
    levels = []
    while end < len(lines) and len(levels) < 4:
        level = _level(lines[end], position, is_vertical)
        if level is None:
            break
        levels.append(level)
        end += 1
    # A mean may be drawn as one more level behind the median.
    has_caps = len(levels) >= 3 and numpy.array_equal(levels[:2], (low[2], high[2]), equal_nan=True)
    if len(levels) not in ((3, 4) if has_caps else (1, 2)):
        return None, 0
    median = levels[2 if has_caps else 0]
    outliers = numpy.array([])
    while end < len(lines) and (points := _loose_points(lines[end], position, is_vertical)) is not None:
        outliers = points  # A mean may come before them.
        end += 1
    box = Box(is_vertical, position, low[2], low[1], median, high[1], high[2], outliers)
    return box, end - index


def _data(line, is_vertical: bool):
    x, y = line.get_data(orig=False)
    return (x, y) if is_vertical else (y, x)


def _whisker(line, is_vertical: bool) -> tuple[float, float, float] | None:
    across, along = _data(line, is_vertical)
    if len(across) != 2 or across[0] != across[1] or line.get_linestyle() == "None":
        return None
    return float(across[0]), float(along[0]), float(along[1])


def _level(line, position: float, is_vertical: bool) -> float | None:
    """The height of a cap or a median: a short line across the position."""
    across, along = _data(line, is_vertical)
    if len(across) != 2 or not min(across) < position < max(across):
        return None
    if along[0] != along[1] and not numpy.isnan(along).all():
        return None
    return float(along[0])


def _loose_points(line, position: float, is_vertical: bool):
    across, along = _data(line, is_vertical)
    if line.get_linestyle() != "None" or not (numpy.asarray(across) == position).all():
        return None
    return numpy.asarray(along, dtype=float)


def _is_outline(line) -> bool:
    x, y = line.get_data(orig=False)
    return len(x) in (5, 11) and x[0] == x[-1] and numpy.array_equal(y[:1], y[-1:], equal_nan=True)

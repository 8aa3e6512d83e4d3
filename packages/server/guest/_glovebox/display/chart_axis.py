"""One axis of a chart: what it says about itself, and what its positions mean.

matplotlib draws everything as numbers. Whether 3.0 is a number, the fourth of January 1970 or the
category "pears" is known to the axis alone.
"""

import functools
import re

import matplotlib.dates
import numpy
import pandas
from matplotlib.category import StrCategoryConverter
from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter

from _glovebox.display import bounded

_TICKS_MAX = 50
_TICKS_READ_MAX = 500
_CATEGORIES_MAX = 2000
_MICROSECONDS_PER_DAY = 86_400_000_000
# How a label tells its unit: "Speed (km/h)", "Mass [kg]".
_UNIT = re.compile(r"[(\[]([^()\[\]]{1,20})[)\]]\s*$")
_MATHTEXT = re.compile(r"\$\\mathdefault\{(.*)\}\$")


class AxisReader:
    """Reads one `matplotlib.axis.Axis`, which it does not change."""

    def __init__(self, axis):
        self._axis = axis
        self._converter, units = _converter_of(axis)
        self._is_date = isinstance(self._converter, matplotlib.dates.DateConverter) or type(
            self._converter
        ).__name__ in ("_SwitchableDateConverter", "ConciseDateConverter")
        # pandas counts periods (days, months, …), and its axes know which.
        is_period = type(self._converter).__name__ == "PeriodConverter"
        self._frequency = getattr(axis.axes, "freq", None) if is_period else None
        self._zone = units if self._is_date else None
        self._categories = {} if self._is_date else _categories(axis, self._converter, units)

    @property
    def has_categories(self) -> bool:
        return bool(self._categories)

    def describe(self) -> dict:
        label = bounded.plain_text(self._axis.get_label_text())
        described = {"label": label, "scale": self._scale(), "ticks": self._ticks()}
        unit = _UNIT.search(label) if label else None
        if unit:
            described["unit"] = unit[1]
        if not self._categories:
            described["limits"] = self._limits()
        return described

    def values(self, positions) -> list:
        """What these positions mean: numbers, ISO dates or categories. Null is no value."""
        if self._is_date and positions.dtype.kind in "fiu":
            return self._dates(positions.astype(float))
        values = bounded.numbers(positions)
        if not self._categories:
            return values
        named = [self._categories.get(value) for value in values]
        if None not in named:
            return named
        # Between categories there is nothing: points beside one are there to be seen apart.
        return self.nearest(positions) if isinstance(self._converter, StrCategoryConverter) else values

    def nearest(self, positions) -> list:
        """As `values`, for bars and boxes: beside each other they stand around a category."""
        if not self._categories:
            return self.values(positions)
        places = numpy.array(sorted(self._categories))
        gap = numpy.diff(places).min() if len(places) > 1 else 1.0
        values = bounded.numbers(positions)
        for index, value in enumerate(values):
            if value is None:
                continue
            place = places[numpy.abs(places - value).argmin()]
            if abs(place - value) <= gap / 2:
                values[index] = self._categories[place]
        return values

    def _scale(self) -> str:
        if self._is_date:
            return "date"
        return "category" if self._categories else bounded.cut(str(self._axis.get_scale()))

    def _ticks(self) -> list[str]:
        """The texts of the ticks as they were drawn; asking for them anew would move them."""
        low, high = sorted(self._axis.get_view_interval())
        room = (high - low) * 1e-9
        # Behind those in use, ticks of an earlier state may be left.
        ticks = vars(self._axis).get("majorTicks", ())[: len(self._axis.get_majorticklocs())]
        labels = []
        for tick in ticks[:_TICKS_READ_MAX]:
            text = _readable(tick.label1.get_text() or tick.label2.get_text())
            if text and low - room <= tick.get_loc() <= high + room:
                labels.append(text)
        chosen = bounded.even_sample(len(labels), _TICKS_MAX)
        return labels if isinstance(chosen, slice) else [labels[index] for index in chosen]

    def _limits(self) -> list:
        low, high = sorted(float(limit) for limit in self._axis.get_view_interval())
        if self._is_date:
            return self.values(numpy.array([low, high]))
        return [bounded.number(float(f"{limit:.6g}")) for limit in (low, high)]

    def _dates(self, positions) -> list:
        if self._frequency is not None:
            return _periods(positions, self._frequency)
        zone = self._zone
        if hasattr(zone, "utcoffset") and str(zone) not in ("UTC", "UTC+00:00"):
            return [
                matplotlib.dates.num2date(day, tz=zone).isoformat() if numpy.isfinite(day) else None
                for day in positions.tolist()
            ]
        known = numpy.isfinite(positions)
        since = numpy.where(known, positions, 0) * _MICROSECONDS_PER_DAY
        since = since.round().astype("timedelta64[us]")
        times = numpy.datetime64(matplotlib.dates.get_epoch(), "us") + since
        texts = numpy.datetime_as_string(times, unit=_coarsest_unit(since.astype(int)))
        return [text if is_known else None for text, is_known in zip(texts.tolist(), known.tolist())]


def _coarsest_unit(microseconds) -> str:
    for unit, length in (("D", _MICROSECONDS_PER_DAY), ("s", 1_000_000), ("ms", 1000)):
        if not (microseconds % length).any():
            return unit
    return "us"


def _periods(ordinals, frequency) -> list:
    known = numpy.isfinite(ordinals)
    index = pandas.PeriodIndex.from_ordinals(
        numpy.where(known, ordinals, 0).round().astype("int64"), freq=frequency
    )
    return [str(period) if is_known else None for period, is_known in zip(index, known.tolist())]


def _converter_of(axis) -> tuple:
    """What turned values into positions, and its units. Of axes that share a scale only one may know."""
    for one in (axis, *axis._get_shared_axis()):
        if one.get_converter() is not None:
            return one.get_converter(), one.units
    return None, None


def _categories(axis, converter, units) -> dict[float, str]:
    """Which position has which name, where positions have names."""
    if isinstance(converter, StrCategoryConverter):
        names = getattr(units, "_mapping", {})
        if len(names) > _CATEGORIES_MAX:
            return {}
        return {float(place): bounded.cut(str(name)) for name, place in names.items()}
    formatter, locator = axis.get_major_formatter(), axis.get_major_locator()
    if isinstance(formatter, FuncFormatter) and isinstance(formatter.func, functools.partial):
        given = formatter.func.args[:1]  # What Axis.set_ticklabels leaves.
        pairs = given[0].items() if given and isinstance(given[0], dict) else ()
    elif isinstance(formatter, FixedFormatter) and isinstance(locator, FixedLocator):
        pairs = zip(locator.locs, formatter.seq)
    else:
        return {}
    named = {float(place): _readable(str(name)) for place, name in list(pairs)[:_CATEGORIES_MAX]}
    return named if all(named.values()) else {}


def _readable(text: str) -> str:
    """A tick's text without typesetting: the minus sign and the wrapping of powers of ten."""
    return bounded.cut(_MATHTEXT.sub(r"\1", text).replace("\N{MINUS SIGN}", "-"))

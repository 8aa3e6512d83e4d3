"""What is read from a figure: each kind of chart, the bounds, and that the figure stays as it was."""

import io
import json
import time
import unittest
import warnings

import matplotlib

matplotlib.use("agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy  # noqa: E402
import pandas  # noqa: E402
import seaborn  # noqa: E402

from _glovebox.display import charts  # noqa: E402

X = numpy.arange(5.0)
DAYS = pandas.date_range("2024-02-27", periods=5)
TIDY = pandas.DataFrame(
    {"x": [0, 1, 2, 0, 1, 2], "y": [1.0, 2, 3, 4, 5, 6], "h": list("uuuvvv"), "k": list("abcabc")}
)


class ChartsTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(plt.close, "all")
        plt.close("all")
        self.enterContext(matplotlib.rc_context({"figure.dpi": 30, "savefig.dpi": 30}))

    def pixels(self, figure) -> bytes:
        picture = io.BytesIO()
        figure.savefig(picture, format="raw")
        return picture.getvalue()

    def chart(self) -> dict:
        """The chart of the current figure, drawn as the inline backend does it."""
        figure = plt.gcf()
        figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
        before = self.pixels(figure)
        chart = charts._describe(figure)
        self.assertEqual(self.pixels(figure), before, "reading has changed the figure")
        json.dumps(chart, allow_nan=False)
        return chart

    def only_series(self, kind: str) -> dict:
        chart = self.chart()
        self.assertEqual(chart["type"], kind)
        [axes] = chart["axes"]
        [series] = axes["series"]
        self.assertEqual(series["type"], kind)
        return series

    # --- kinds ------------------------------------------------------------------------------

    def test_lines_with_titles_labels_and_units(self):
        plt.plot(X, X**2, label="square")
        plt.plot(X, X)
        plt.axhline(3, label="limit")
        plt.title("Growth")
        plt.suptitle("All of it")
        plt.xlabel("Time (s)")
        plt.ylabel("Mass [kg]")
        chart = self.chart()
        self.assertEqual((chart["type"], chart["title"], chart["figure_title"]), ("line", "Growth", "All of it"))
        [axes] = chart["axes"]
        self.assertEqual(axes["x"]["label"], "Time (s)")
        self.assertEqual((axes["x"]["unit"], axes["y"]["unit"]), ("s", "kg"))
        self.assertEqual(axes["x"]["ticks"][:2], ["0.0", "0.5"])
        self.assertEqual(axes["x"]["limits"], [-0.2, 4.2])
        square, plain, limit = axes["series"]
        self.assertEqual(square["label"], "square")
        self.assertEqual((square["x"], square["y"]), ([0, 1, 2, 3, 4], [0, 1, 4, 9, 16]))
        self.assertIsNone(plain["label"])
        self.assertEqual((limit["type"], limit["label"], limit["y"]), ("horizontal_line", "limit", [3]))
        self.assertFalse(chart["truncated"])

    def test_scatter_with_values_and_sizes(self):
        plt.scatter([1, 2, 3], [4, numpy.nan, 6], c=[7, 8, 9], s=[10, 20, 30], label="points")
        plt.colorbar()
        series = self.only_series("scatter")
        self.assertEqual(series["y"], [4, None, 6])
        self.assertEqual((series["values"], series["sizes"]), ([7, None, 9], [10, 20, 30]))

    def test_a_line_of_markers_is_a_scatter(self):
        plt.plot(X, X, "o")
        self.only_series("scatter")

    def test_bars_upright_and_lying(self):
        plt.bar(["a", "b"], [3, -1])
        series = self.only_series("bar")
        self.assertEqual((series["x"], series["y"], series["orientation"]), (["a", "b"], [3, -1], "vertical"))
        plt.close("all")
        plt.barh(["a", "b"], [3, -1])
        series = self.only_series("bar")
        self.assertEqual((series["y"], series["x"], series["orientation"]), (["a", "b"], [3, -1], "horizontal"))

    def test_grouped_bars_with_errors_stand_at_their_category(self):
        plt.bar(X[:2] - 0.2, [1, 2], 0.4, label="A")
        plt.bar(X[:2] + 0.2, [3, 4], 0.4, label="B", yerr=[0.5, 1])
        plt.xticks([0, 1], ["p", "q"])
        [axes] = self.chart()["axes"]
        self.assertEqual(axes["layout"], "grouped")
        self.assertEqual([one["x"] for one in axes["series"]], [["p", "q"], ["p", "q"]])
        self.assertEqual(axes["series"][1]["error_low"], [2.5, 3])
        self.assertEqual(axes["series"][1]["error_high"], [3.5, 5])

    def test_stacked_bars_tell_where_they_begin(self):
        pandas.DataFrame({"a": [1, 2], "b": [3, 4]}, index=["p", "q"]).plot.bar(stacked=True)
        chart = self.chart()
        self.assertEqual((chart["type"], chart["axes"][0]["layout"]), ("bar", "stacked"))
        one, other = chart["axes"][0]["series"]
        self.assertEqual((one["label"], other["label"]), ("a", "b"))
        self.assertEqual((other["x"], other["y"], other["base"]), (["p", "q"], [3, 4], [1, 2]))

    def test_pie(self):
        plt.pie([1, 3], labels=["u", "v"], autopct="%d%%")
        series = self.only_series("pie")
        self.assertEqual((series["x"], series["y"]), (["u", "v"], [0.25, 0.75]))

    def test_boxes(self):
        values = [1.0, 2, 3, 4, 5, 20]
        summary = {"min": 1, "q1": 2.25, "median": 3.5, "q3": 4.75, "max": 5, "outliers": [20]}
        for options in (
            {},
            {"patch_artist": True},
            {"orientation": "horizontal"},
            {"showcaps": False, "showmeans": True},
            {"showmeans": True, "meanline": True},
        ):
            with self.subTest(options):
                plt.close("all")
                plt.boxplot([values, values[:5]], tick_labels=["one", "two"], **options)
                series = self.only_series("box")
                self.assertEqual(series["boxes"][0], {"category": "one", **summary})
                self.assertEqual(series["boxes"][1]["category"], "two")

    def test_histograms(self):
        for style in ("bar", "step", "stepfilled"):
            with self.subTest(style):
                plt.close("all")
                plt.hist([1, 1, 2, 3], bins=[1, 2, 3, 4], histtype=style, label="n")
                series = self.only_series("hist")
                self.assertEqual((series["edges"], series["heights"]), ([1, 2, 3, 4], [2, 1, 1]))

    def test_histograms_beside_each_other_are_bars_with_their_labels(self):
        plt.hist([[1, 1, 2], [2, 3, 3]], bins=[1, 2, 3, 4], label=["p", "q"])
        [axes] = self.chart()["axes"]
        self.assertEqual([(one["label"], one["y"]) for one in axes["series"]], [("p", [2, 1, 0]), ("q", [0, 1, 2])])

    def test_stairs_are_a_histogram(self):
        plt.stairs([2, 5], [0, 1, 3], label="s")
        series = self.only_series("hist")
        self.assertEqual((series["label"], series["edges"], series["heights"]), ("s", [0, 1, 3], [2, 5]))

    def test_areas_tell_both_curves(self):
        plt.stackplot(X, X, X + 1, labels=["one", "two"])
        chart = self.chart()
        one, two = chart["axes"][0]["series"]
        self.assertEqual((chart["type"], two["label"]), ("area", "two"))
        self.assertEqual((one["y"], one["base"]), ([0, 1, 2, 3, 4], [0] * 5))
        self.assertEqual((two["y"], two["base"]), ([1, 3, 5, 7, 9], [0, 1, 2, 3, 4]))

    def test_error_bars(self):
        plt.errorbar(X, X, yerr=0.5, fmt="o", capsize=3, label="e")
        series = self.only_series("errorbar")
        self.assertEqual((series["label"], series["y"]), ("e", [0, 1, 2, 3, 4]))
        self.assertEqual((series["error_low"][0], series["error_high"][4]), (-0.5, 4.5))

    def test_heat_maps(self):
        plt.imshow([[1, 2, 3], [4, numpy.nan, 6]])
        plt.colorbar(label="heat")
        plt.xticks([0, 1, 2], ["a", "b", "c"])
        series = self.only_series("heatmap")
        self.assertEqual((series["values"], series["shape"]), ([[1, 2, 3], [4, None, 6]], [2, 3]))
        self.assertEqual((series["x"], series["y"], series["values_label"]), (["a", "b", "c"], [0, 1], "heat"))
        plt.close("all")
        plt.pcolormesh([[1, 2], [3, 4]])
        self.assertEqual(self.only_series("heatmap")["x"], [0.5, 1.5])
        plt.close("all")
        seaborn.heatmap(pandas.DataFrame([[1, 2]], columns=["p", "q"], index=["r"]), annot=True)
        series = self.only_series("heatmap")
        self.assertEqual((series["x"], series["y"]), (["p", "q"], ["r"]))

    def test_a_colour_picture_tells_its_size(self):
        plt.imshow(numpy.zeros((4, 6, 3)))
        self.assertEqual(self.only_series("image")["shape"], [4, 6, 3])

    def test_steps_and_stems(self):
        plt.step(X, X, where="post")
        self.assertEqual(self.only_series("step")["where"], "post")
        plt.close("all")
        plt.stem(X, X * 2)
        self.assertEqual(self.only_series("stem")["y"], [0, 2, 4, 6, 8])

    def test_lines_and_spans_across_the_axes_mark_values(self):
        plt.plot(X, X)
        plt.axvline(2)
        plt.axvspan(1, 3, label="storm")
        plt.axhspan(0, 1)
        chart = self.chart()
        self.assertEqual(chart["type"], "line")
        marks = [(one["type"], one["label"], one.get("x"), one.get("y")) for one in chart["axes"][0]["series"][1:]]
        self.assertEqual(
            marks,
            [
                ("vertical_line", None, [2], None),
                ("vertical_span", "storm", [1, 3], None),
                ("horizontal_span", None, None, [0, 1]),
            ],
        )

    def test_what_is_not_known_is_named_and_counted(self):
        plt.quiver([0, 1], [0, 1], [1, 1], [1, 0])
        series = self.only_series("unknown")
        self.assertEqual((series["artist"], series["count"]), ("Quiver", 1))

    # --- axes -------------------------------------------------------------------------------

    def test_log_axes(self):
        plt.loglog([1, 10, 100], [1, 10, 100])
        [axes] = self.chart()["axes"]
        self.assertEqual((axes["x"]["scale"], axes["x"]["ticks"]), ("log", ["10^{0}", "10^{1}", "10^{2}"]))

    def test_dates_are_iso_dates(self):
        days = ["2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02"]
        plt.plot(DAYS, X)
        self.assertEqual(self.only_series("line")["x"], days)
        self.assertEqual(self.chart()["axes"][0]["x"]["scale"], "date")
        for frequency, expected in (("D", days[0]), ("h", "2024-02-27 00:00"), ("ME", "2024-02"), ("YE", "2024")):
            plt.close("all")
            index = pandas.date_range("2024-02-27", periods=5, freq=frequency)
            pandas.Series(X, index=index).plot()
            self.assertEqual(self.only_series("line")["x"][0], expected, frequency)

    def test_times_with_a_zone_keep_it(self):
        plt.plot(pandas.date_range("2024-01-01", periods=2, freq="90s", tz="Europe/Berlin"), [1, 2])
        self.assertEqual(
            self.only_series("line")["x"], ["2024-01-01T00:00:00+01:00", "2024-01-01T00:01:30+01:00"]
        )

    def test_times_are_as_fine_as_they_have_to_be(self):
        plt.plot(pandas.to_datetime(["2024-01-01 10:00:00.25", "2024-01-01 10:00:01.00"]), [1, 2])
        self.assertEqual(self.only_series("line")["x"], ["2024-01-01T10:00:00.250", "2024-01-01T10:00:01.000"])

    def test_several_axes_and_twins(self):
        figure, axes = plt.subplots(1, 2)
        axes[0].plot(X, X)
        axes[0].twinx().plot(X, X**2)
        axes[1].set_title("right")
        figure.suptitle("both")
        chart = self.chart()
        self.assertEqual((len(chart["axes"]), chart["axes"][2]["twin_of"]), (3, 0))
        self.assertNotIn("twin_of", chart["axes"][1])
        self.assertEqual((chart["title"], chart["figure_title"]), ("right", "both"))

    def test_polar_axes_and_axes_in_space(self):
        plt.polar([0, 1], [1, 2])
        self.assertEqual(self.chart()["axes"][0]["projection"], "polar")
        plt.close("all")
        plt.figure().add_subplot(projection="3d").plot([1, 2], [3, 4], [5, 6])
        self.assertEqual(self.only_series("line")["z"], [5, 6])

    # --- seaborn ----------------------------------------------------------------------------

    def test_the_legend_names_what_seaborn_colours(self):
        for draw in (seaborn.lineplot, seaborn.scatterplot):
            plt.close("all")
            draw(TIDY, x="x", y="y", hue="h")
            [axes] = self.chart()["axes"]
            self.assertEqual([one["label"] for one in axes["series"]], ["u", "v"], draw)
            self.assertEqual(axes["series"][1]["y"], [4, 5, 6])
            self.assertEqual(axes["legend_title"], "h")

    def test_bars_of_seaborn_have_their_errors(self):
        seaborn.barplot(TIDY, x="k", y="y", errorbar=("pi", 100))
        series = self.only_series("bar")
        self.assertEqual((series["x"], series["y"]), (["a", "b", "c"], [2.5, 3.5, 4.5]))
        self.assertEqual((series["error_low"], series["error_high"]), ([1, 2, 3], [4, 5, 6]))

    def test_coloured_bars_are_one_series(self):
        seaborn.countplot(TIDY, x="k", hue="k")
        self.assertEqual(self.only_series("bar")["y"], [2, 2, 2])

    def test_parts_that_share_an_axis_share_its_categories(self):
        with warnings.catch_warnings(action="ignore", category=PendingDeprecationWarning):
            seaborn.catplot(TIDY, x="k", y="y", col="h", kind="box")
        for axes in self.chart()["axes"]:
            self.assertEqual([box["category"] for box in axes["series"][0]["boxes"]], ["a", "b", "c"])

    def test_boxes_of_seaborn_have_a_group(self):
        with warnings.catch_warnings(action="ignore", category=PendingDeprecationWarning):
            seaborn.boxplot(TIDY, x="k", y="y", hue="h")
        boxes = self.only_series("box")["boxes"]
        self.assertEqual([(box["category"], box["group"]) for box in boxes][2:4], [("c", "u"), ("a", "v")])

    def test_a_band_accompanies_its_line(self):
        seaborn.lineplot(TIDY, x="k", y="y")
        chart = self.chart()
        self.assertEqual(chart["type"], "line")
        self.assertEqual([one["type"] for one in chart["axes"][0]["series"]], ["line", "area"])

    # --- bounds -----------------------------------------------------------------------------

    def test_a_long_series_is_thinned_evenly(self):
        plt.plot(numpy.arange(1_000_000), numpy.arange(1_000_000))
        series = self.only_series("line")
        self.assertEqual((series["length"], len(series["x"]), series["x"][0]), (1_000_000, 500, 0))
        self.assertEqual(series["x"][-1], 999_999)

    def test_many_series_axes_and_values_stay_small(self):
        figure, grid = plt.subplots(5, 6)
        for axes in grid.flat:
            axes.plot(numpy.random.rand(300, 10))
        figure.set_size_inches(3, 3)
        chart = self.chart()
        self.assertTrue(chart["truncated"])
        self.assertLessEqual(len(chart["axes"]), 20)
        self.assertLess(len(json.dumps(chart)), 400_000)
        plt.close("all")
        plt.imshow(numpy.random.rand(1000, 2000))
        series = self.only_series("heatmap")
        self.assertEqual((len(series["values"]), len(series["values"][0])), (50, 50))
        self.assertEqual(series["shape"], [1000, 2000])

    def test_texts_are_cut(self):
        plt.rcParams.update({"figure.dpi": 10, "savefig.dpi": 10})
        plt.title("t" * 500)
        plt.plot(X, X, label="l" * 500)
        chart = self.chart()
        self.assertEqual(len(chart["title"]), 200)
        self.assertEqual(len(chart["axes"][0]["series"][0]["label"]), 200)

    def test_reading_is_cheap(self):
        for index in range(10):
            plt.plot(numpy.random.rand(1000), label=str(index))
        figure = plt.gcf()
        figure.savefig(io.BytesIO())
        best = 1.0
        for _ in range(10):
            started = time.perf_counter()
            charts.describe(figure)
            best = min(best, time.perf_counter() - started)
        # One or two milliseconds; a loaded machine is allowed ten times as much.
        self.assertLess(best, 0.02)

    def test_a_figure_that_cannot_be_read_has_no_chart(self):
        class Broken(matplotlib.figure.Figure):
            @property
            def axes(self):
                raise OSError("no")

        figure = matplotlib.figure.Figure()
        figure.__class__ = Broken
        self.assertIsNone(charts.describe(figure))
        self.assertIsNone(charts.describe(matplotlib.figure.Figure()))

    def test_an_artist_that_cannot_be_read_is_unknown(self):
        class Broken(matplotlib.lines.Line2D):
            def get_drawstyle(self):
                raise OSError("no")

        plt.plot(X, X)
        plt.gca().add_line(Broken([1, 2], [3, 4]))
        line, broken = charts._describe(plt.gcf())["axes"][0]["series"]
        self.assertEqual((line["type"], broken["artist"]), ("line", "Broken"))


if __name__ == "__main__":
    unittest.main()

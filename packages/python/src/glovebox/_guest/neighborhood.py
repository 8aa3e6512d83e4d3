"""Runs in a sandbox: genes as arrows along their contig."""

import textwrap
from collections import Counter

import matplotlib.pyplot as plt
from matplotlib.patches import Patch, Polygon
from matplotlib.ticker import FuncFormatter

#: Told apart by people who see few colours, too (Okabe and Ito).
PALETTE = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#332288"]
PALETTE += ["#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499"]
UNKNOWN = "#BBBBBB"
STRANDS = {1: 1, "1": 1, "+": 1, "+1": 1, -1: -1, "-1": -1, "-": -1, 0: 0, "0": 0, ".": 0, "?": 0, None: 0}
WIDTH = 12
ARROW = 0.5
LANE = 0.75
LINE = 0.32


def plot(genes, path, title):
    contigs = {}
    for gene in (_checked(gene) for gene in genes):
        contigs.setdefault(gene["contig"], []).append(gene)
    if not contigs:
        raise ValueError("There are no genes to draw.")
    colours = _colours([gene["function"] for group in contigs.values() for gene in group])
    figure = plt.figure(figsize=(WIDTH, 4))
    rows = [_Row(figure, contig, group) for contig, group in contigs.items()]
    legend_height = 0.28 * -(-len(colours) // 4) + 0.25
    figure.set_size_inches(WIDTH, sum(row.height for row in rows) + legend_height + 0.5)
    _place(figure, rows, legend_height)
    for row in rows:
        row.draw(colours)
    patches = [Patch(color=colour, label=_short(name, 40)) for name, colour in colours.items()]
    figure.legend(handles=patches, loc="lower center", ncols=min(4, len(patches)), frameon=False)
    figure.suptitle(title or "Genomic neighborhood")
    figure.savefig(path, dpi=150)
    print(f"{sum(map(len, contigs.values()))} genes on {len(contigs)} contig(s), drawn to {path}")


def _place(figure, rows, legend_height):
    """Each row has the inches that its lanes need."""
    _, whole = figure.get_size_inches()
    top = whole - 0.5
    for row in rows:
        inner = row.height - 0.6
        row.axes.set_position([0.04, (top - inner - 0.1) / whole, 0.92, inner / whole])
        top -= row.height


def _checked(gene):
    name = str(gene.get("id", "?"))
    try:
        start, end = float(gene["start"]), float(gene["end"])
        strand = STRANDS[gene.get("strand")]
    except KeyError as error:
        raise ValueError(f"Gene {name} has no valid {error}: start, end, strand 1 or -1.") from None
    except (TypeError, ValueError):
        raise ValueError(f"Gene {name}: start and end must be numbers, strand 1 or -1.") from None
    if not 0 <= start <= end < float("inf"):
        raise ValueError(f"Gene {name}: start must be at most end; the strand says where it points.")
    function = gene.get("function")
    told = function.strip() if isinstance(function, str) else ""
    place = {"start": start, "end": end, "strand": strand, "contig": str(gene.get("contig") or "")}
    return {"id": name, "function": told or "unknown", **place}


def _colours(functions):
    """The most frequent functions have colours of their own."""
    counted = Counter(one for one in functions if one != "unknown").most_common()
    kept = [name for name, _ in counted[: len(PALETTE)]]
    colours = dict(zip(kept, PALETTE))
    if len(counted) > len(kept) or "unknown" in functions:
        colours["other or unknown" if len(counted) > len(kept) else "unknown"] = UNKNOWN
    return colours


class _Row:
    """One contig: the forward strand above its line, the reverse strand below it."""

    def __init__(self, figure, contig, genes):
        self.contig = contig
        self.genes = sorted(genes, key=lambda gene: gene["start"])
        first, last = genes_extent(self.genes)
        self.span = max(last - first, 1)
        self.axes = figure.add_axes([0.04, 0.2, 0.92, 0.6])
        self.axes.set_xlim(first - 0.02 * self.span, last + 0.02 * self.span)
        self.per_inch = self.span * 1.04 / (0.92 * WIDTH)
        self.renderer = figure.canvas.get_renderer()
        self.dpi = figure.dpi
        self.lanes = {1: 0, -1: 0}
        self.levels = {1: 0, -1: 0}
        for side in (1, -1):
            self._arrange([gene for gene in self.genes if (gene["strand"] or 1) == side], side)
        self.bounds = [self._far(side) for side in (1, -1)]
        self.height = sum(self.bounds) + 0.75

    def _arrange(self, genes, side):
        # Neighbours may touch, and genes of an operon share some bases.
        shared = 0.03 * self.per_inch
        self.lanes[side] = _stack(genes, "lane", lambda one: (one["start"], self._seen(one) - shared))
        for gene in genes:
            gene["label"] = "\n".join(textwrap.wrap(_short(gene["id"], 28), 14)) or "?"
            lines = gene["label"].count("\n") + 1
            gene["lines"] = lines
            gene["half"] = (self._inches(gene["label"]) / 2 + 0.06) * self.per_inch
        lowest, highest = self.axes.get_xlim()
        for gene in genes:
            middle = (gene["start"] + gene["end"]) / 2
            # A label at an edge stays within the figure.
            gene["x"] = min(max(middle, lowest + gene["half"]), max(highest - gene["half"], lowest))
        self.levels[side] = _stack(
            genes, "level", lambda one: (one["x"] - one["half"], one["x"] + one["half"])
        )
        self.tall = max((gene["lines"] for gene in self.genes if "lines" in gene), default=1)

    def _seen(self, gene):
        """Where an arrow ends: very short genes are still to be seen."""
        return max(gene["end"], gene["start"] + 0.04 * self.per_inch)

    def _inches(self, text):
        drawn = self.axes.text(0, 0, text, fontsize=9)
        width = drawn.get_window_extent(self.renderer).width / self.dpi
        drawn.remove()
        return width

    def _far(self, side):
        lanes, levels = self.lanes[side], self.levels[side]
        return 0.25 if lanes == 0 else 0.15 + LANE * lanes + 0.15 + levels * (LINE * self.tall * 0.6 + 0.12)

    def draw(self, colours):
        axes = self.axes
        axes.set_ylim(-self.bounds[1], self.bounds[0])
        axes.axhline(0, color="#444444", linewidth=1.2, zorder=1)
        other = colours.get("unknown") or colours.get("other or unknown")
        for gene in self.genes:
            side = gene["strand"] or 1
            y = side * (0.1 + LANE * (gene["lane"] + 0.5))
            axes.add_patch(self._arrow(gene, y, colours.get(gene["function"], other)))
            self._label(gene, side, y)
        axes.set_yticks([])
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_xlabel(f"{self.contig + ', ' if self.contig else ''}position (bp)")

    def _arrow(self, gene, y, colour):
        start, strand = gene["start"], gene["strand"]
        low, high = y - ARROW / 2, y + ARROW / 2
        end = self._seen(gene)
        head = min(0.22 * self.per_inch, 0.5 * (end - start)) if strand else 0
        if strand < 0:
            points = [(end, low), (end, high), (start + head, high), (start, y), (start + head, low)]
        elif strand > 0:
            points = [(start, low), (start, high), (end - head, high), (end, y), (end - head, low)]
        else:
            points = [(start, low), (start, high), (end, high), (end, low)]
        return Polygon(points, facecolor=colour, edgecolor="#333333", linewidth=0.8, zorder=2)

    def _label(self, gene, side, y):
        base = 0.15 + LANE * self.lanes[side] + 0.12
        at = side * (base + gene["level"] * (LINE * self.tall * 0.6 + 0.12))
        middle = (gene["start"] + gene["end"]) / 2
        line = {"color": "#999999", "linewidth": 0.7, "zorder": 0}
        self.axes.plot([middle, gene["x"]], [y + side * ARROW / 2, at - side * 0.02], **line)
        align = "bottom" if side > 0 else "top"
        # Lines that lead to labels further out do not run through this one.
        behind = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
        self.axes.text(
            gene["x"], at, gene["label"], ha="center", va=align, fontsize=9, bbox=behind, zorder=3
        )


def genes_extent(genes):
    return min(gene["start"] for gene in genes), max(gene["end"] for gene in genes)


def _stack(items, name, interval):
    """Give each item the lowest place in which nothing is in its way; how many places there are."""
    ends = []
    for item in sorted(items, key=lambda item: interval(item)[0]):
        low, high = interval(item)
        place = next((at for at, end in enumerate(ends) if end <= low), len(ends))
        ends[place : place + 1] = [high]
        item[name] = place
    return len(ends)


def _short(text, length):
    return text if len(text) <= length else text[: length - 1] + "…"

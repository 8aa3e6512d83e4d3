import { expect, test } from "vitest";
import { textInBundle } from "./described-bundle.js";
import type { MimeBundle } from "./mime.js";

const PLOTLY = "application/vnd.plotly.v1+json";
const VEGA = "application/vnd.vegalite.v5+json";
/** A second of silence: 8000 samples of 16 bits. */
const WAV = (() => {
  const bytes = Buffer.alloc(44 + 16_000);
  bytes.write("RIFF", 0, "latin1");
  bytes.write("WAVE", 8, "latin1");
  bytes.writeUInt32LE(16_000, 28);
  return bytes.toString("base64");
})();
const PDF = Buffer.from(
  "%PDF-1.4 << /Type /Pages /Count 2 >> << /Type /Page >> <</Type/Page>>",
).toString("base64");
const SVG =
  '<?xml version="1.0"?>\n<svg xmlns="x" width="200pt"\n height="100pt"><title>Map</title><metadata>Matplotlib</metadata><text>Oslo</text></svg>';
const player = (name: string, inner: string) =>
  `\n  <${name}  controls="controls" >${inner}\n Your browser does not support the ${name} element.\n</${name}>`;
const feature = (type: string) => ({ type: "Feature", geometry: { type, coordinates: [] } });
const record = { id: 1, name: "a" };
const trace = { type: "bar", name: "sales", x: [1, 2], y: [3, 4] };

test.each<[string, MimeBundle, string | undefined]>([
  ["plain text", { "text/plain": "42" }, "42"],
  ["text beside HTML", { "text/plain": "  a\n0 1", "text/html": "<table>" }, "  a\n0 1"],
  [
    "a plotly figure",
    { [PLOTLY]: { data: [trace, {}], layout: { title: { text: "By month" } } } },
    '(a plotly chart "By month": bar "sales" (2 values), scatter)',
  ],
  [
    "a plotly figure with Python's text of it",
    { "text/plain": "Figure({\n    'data': []})", [PLOTLY]: { data: [], layout: { title: "T" } } },
    '(a plotly chart "T")',
  ],
  [
    "numbers in base64",
    { [PLOTLY]: { data: [{ type: "scatter", y: { dtype: "f8", bdata: "A".repeat(64) } }] } },
    "(a plotly chart: scatter (6 values))",
  ],
  [
    "many series",
    { [PLOTLY]: { data: Array(12).fill({ type: "bar" }) } },
    `(a plotly chart: ${Array(10).fill("bar").join(", ")}, and 2 more)`,
  ],
  [
    "a Vega-Lite chart",
    {
      "text/plain": "<VegaLite 5 object>\n\nIf you see this message, it means the renderer",
      [VEGA]: { title: "T", mark: { type: "point" }, encoding: { x: { field: "a" }, y: {} } },
    },
    '(a Vega chart "T": point (x: "a"))',
  ],
  [
    "HTML",
    {
      "text/plain": "<IPython.core.display.HTML object>",
      "text/html": "<style>p {}</style><h1>Report</h1>\n<p>of <b>May</b></p><script>x</script>",
    },
    "(HTML, 73 characters: Report of May)",
  ],
  ["HTML without words", { "text/html": "<div" }, "(HTML, 4 characters)"],
  ["LaTeX", { "text/plain": "<sympy object>", "text/latex": "$x^2$" }, "$x^2$"],
  [
    "JSON",
    { "text/plain": "<IPython.core.display.JSON object>", "application/json": [1] },
    "[\n  1\n]",
  ],
  ["many numbers", { "application/json": Array(300).fill(1) }, "(JSON: a list of 300 numbers)"],
  ["records", { "application/json": Array(300).fill(record) }, "(JSON: a list of 300 objects)"],
  [
    "a mixture",
    { "application/json": [...Array(300).fill(1), "x"] },
    "(JSON: a list of 301 values)",
  ],
  ["a long text as JSON", { "application/json": "x".repeat(5000) }, "(JSON: a text of 5.0 kB)"],
  [
    "a large object",
    { "application/json": Object.fromEntries(Array.from({ length: 250 }, (_, n) => [`k${n}`, n])) },
    "(JSON: an object of 250 fields: k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, …)",
  ],
  [
    "a map",
    {
      "text/plain": "<IPython.display.GeoJSON object>",
      "application/geo+json": {
        type: "FeatureCollection",
        features: [feature("Point"), feature("Polygon"), feature("Point")],
      },
    },
    "(GeoJSON: FeatureCollection of 3 features, Point, Polygon)",
  ],
  ["a shape", { "application/geo+json": feature("Point") }, "(GeoJSON: Feature, Point)"],
  ["a map that is none", { "application/geo+json": [1] }, "(GeoJSON: a list of 1 number)"],
  [
    "a PDF",
    { "text/plain": "<Figure size 640x480>", "application/pdf": PDF },
    "(a PDF: 2 pages, 69 bytes)",
  ],
  ["a PDF whose pages are compressed", { "application/pdf": "A".repeat(4000) }, "(a PDF: 3.0 kB)"],
  [
    "a sound",
    {
      "text/plain": "<IPython.lib.display.Audio object>",
      "text/html": player(
        "audio",
        `<source src="data:audio/wav;base64,${WAV}" type="audio/wav" />`,
      ),
    },
    "(a sound: audio/wav, 16 kB, 1 s)",
  ],
  [
    "a video",
    { "text/html": player("video", `<source src="data:video/mp4;base64,${"A".repeat(2e6)}">`) },
    "(a video: video/mp4, 1.5 MB)",
  ],
  [
    "a video elsewhere",
    { "text/html": '<video src="film.mp4"  >\n</video>' },
    "(a video: film.mp4)",
  ],
  [
    "a report with a video",
    { "text/html": "<p>Results</p><video src='f.mp4'></video>" },
    "(HTML, 41 characters: Results)",
  ],
  ["a sound by its type", { "audio/mpeg": "A".repeat(800) }, "(a sound: audio/mpeg, 600 bytes)"],
  [
    "a page in a frame",
    { "text/html": '\n<iframe\n  width="400"\n  src="https://example.org/v"\n></iframe>' },
    "(a page: https://example.org/v)",
  ],
  [
    "an image elsewhere",
    { "text/html": '<img src="https://example.org/a.png"/>' },
    "(an image: https://example.org/a.png)",
  ],
  [
    "a drawing",
    { "text/plain": "<IPython.core.display.SVG object>", "image/svg+xml": SVG },
    `(an SVG drawing "Map", 200pt × 100pt, ${SVG.length} characters: Map Oslo)`,
  ],
  [
    "a drawing with a view alone",
    { "image/svg+xml": "<svg viewBox='0 0 10 10'/>" },
    "(an SVG drawing, view 0 0 10 10, 26 characters)",
  ],
  ["a drawing with a text of its own", { "text/plain": "a map", "image/svg+xml": SVG }, "a map"],
  [
    "a picture",
    { "text/plain": "<Figure size>", "image/png": "aGk=", "image/svg+xml": SVG },
    "<Figure size>",
  ],
  [
    "a Vega chart with Python's text of it",
    { "text/plain": "alt.Chart(...)", [VEGA]: { mark: "bar" } },
    "(a Vega chart: bar)",
  ],
  [
    "a Vega chart as a dict",
    { "text/plain": "{'mark': 'bar'}", [VEGA]: { mark: "bar" } },
    "(a Vega chart: bar)",
  ],
  [
    "a chart with a text of its own",
    { "text/plain": "Sales (t)", [VEGA]: { title: "T", mark: "bar" } },
    'Sales (t)\n(a Vega chart "T": bar)',
  ],
  [
    "Markdown beside Python's text",
    { "text/plain": "Report(id=1)", "text/markdown": "# May" },
    "# May",
  ],
  ["Markdown beside a text", { "text/plain": "May", "text/markdown": "# May" }, "May"],
  ["LaTeX in lines", { "text/latex": ["$x$\n", "$y$"] }, "$x$\n$y$"],
  ["LaTeX beside a text", { "text/plain": "f(x)", "text/latex": "$f(x)$" }, "f(x)"],
  ["a script", { "application/javascript": "x()" }, "(JavaScript, 3 characters)"],
  ["what nobody knows", { "application/x-own": 1 }, "(application/x-own)"],
  [
    "an object without another form",
    { "text/plain": "<a.B object at 0x1>" },
    "<a.B object at 0x1>",
  ],
  ["nothing", {}, undefined],
])("%s is told in words", (_, data, expected) => {
  expect(textInBundle(data)).toBe(expected);
});

test.each<[string, unknown]>([
  ["null", null],
  ["a number", 5],
  ["a list", [1]],
  ["traces of other types", { data: [null, 5, "x", [[]], { type: {}, name: 5, x: {} }] }],
  ["titles of other types", { data: 5, layout: { title: { text: { text: 1 } } } }],
])("hostile charts are told as well: %s", (_, value) => {
  expect(textInBundle({ [PLOTLY]: value })).toMatch(/^\(a plotly chart/);
  expect(textInBundle({ [VEGA]: value })).toMatch(/^\(a Vega chart/);
});

test("names and pages of any length are told in a few words, and soon", () => {
  const long = "<x".repeat(4_000_000);
  const startedAt = performance.now();
  const told = [
    textInBundle({ [PLOTLY]: { data: [{ name: long, type: long }], layout: { title: long } } }),
    textInBundle({ "text/html": long }),
    textInBundle({ "text/html": `${"<".repeat(100_000)}>` }),
    textInBundle({ "text/html": "<script>".repeat(20_000) }),
    textInBundle({ "image/svg+xml": `<svg width="${long}"><title>${long}</title>` }),
    textInBundle({ "image/svg+xml": "<svg><title>".repeat(20_000) }),
    textInBundle({ "application/pdf": long }),
    textInBundle({ "audio/x": long, [`video/${long}`]: "" }),
    textInBundle({ "text/html": `<audio src="data:audio/${long}` }),
    textInBundle({ "application/json": { [long]: Array(300).fill(long) } }),
    textInBundle({
      "application/geo+json": {
        type: long,
        features: Array(1e5).fill({ geometry: { type: long } }),
      },
    }),
  ];
  for (const text of told) expect(text?.length).toBeLessThan(500);
  expect(performance.now() - startedAt).toBeLessThan(400);
});

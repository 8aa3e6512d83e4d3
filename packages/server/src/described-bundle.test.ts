import { expect, test } from "vitest";
import { textInBundle } from "./described-bundle.js";
import type { MimeBundle } from "./mime.js";

const PLOTLY = "application/vnd.plotly.v1+json";
const VEGA = "application/vnd.vegalite.v5+json";
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
  ["much JSON", { "application/json": Array(300).fill(1) }, "(JSON)"],
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
  ];
  for (const text of told) expect(text?.length).toBeLessThan(500);
  expect(performance.now() - startedAt).toBeLessThan(200);
});

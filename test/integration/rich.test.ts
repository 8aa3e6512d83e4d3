/** Everything that a Jupyter front end can show comes out of a cell as the MIME type it looks for. */
import { beforeAll, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { uniqueId } from "../support/server.ts";
import { joinSharedServer } from "../support/shared-server.ts";

const CHART = "application/vnd.glovebox.chart+json";
const TABLE = "application/vnd.glovebox.table+json";

let server: Client;

beforeAll(async () => {
  server = await joinSharedServer();
});

/** The bundles of all rich outputs of a cell, in order. */
async function bundlesOf(code: string): Promise<Record<string, unknown>[]> {
  const response = await server.execute({ code, timeout: 30 });
  expect(response.error, response.stderr).toBeNull();
  return response.outputs.flatMap((output) => ("data" in output ? [{ ...output.data }] : []));
}

const png = /^iVBORw0KGgo/;
const figure = "import matplotlib.pyplot as plt\nplt.plot([1, 2], label='a')\nplt.title('T');";
const formats = (...names: string[]) =>
  `from matplotlib_inline.backend_inline import set_matplotlib_formats\nset_matplotlib_formats(${names
    .map((name) => `'${name}'`)
    .join(", ")})\n${figure}`;
const display = (expression: string) =>
  `from IPython.display import *\nimport numpy as np\ndisplay(${expression})`;

const kinds: [name: string, code: string, mime: string, expected: unknown][] = [
  ["a matplotlib figure", figure, "image/png", png],
  ["a figure as SVG", formats("svg"), "image/svg+xml", /<svg /],
  ["a figure as JPEG", formats("jpeg"), "image/jpeg", /^\/9j\//],
  ["a figure as PDF", formats("pdf"), "application/pdf", /^JVBERi/],
  ["a figure for a fine screen", formats("retina"), "image/png", png],
  ["a figure by its own name", `${figure}\nplt.gcf()`, "image/png", png],
  ["a picture of pillow", "from PIL import Image\nImage.new('RGB', (4, 4))", "image/png", png],
  ["a table", "import pandas as pd\npd.DataFrame({'a': [1]})", "text/html", /<table/],
  [
    "a styled table",
    "import pandas as pd\npd.DataFrame({'a': [1]}).style.format('{:.1f}')",
    "text/html",
    />1\.0</,
  ],
  [
    "a formula of sympy",
    "import sympy\nsympy.sqrt(2) / sympy.Symbol('x')",
    "text/latex",
    "$\\displaystyle \\frac{\\sqrt{2}}{x}$",
  ],
  ["LaTeX", display("Latex('$x$')"), "text/latex", "$x$"],
  ["Markdown", display("Markdown('**a**')"), "text/markdown", "**a**"],
  ["HTML", display("HTML('<b>x</b>')"), "text/html", "<b>x</b>"],
  ["SVG", display("SVG('<svg/>')"), "image/svg+xml", "<svg/>"],
  ["JSON", display("JSON({'a': [1, None]})"), "application/json", { a: [1, null] }],
  ["JavaScript", display("Javascript('go()')"), "application/javascript", "go()"],
  [
    "GeoJSON",
    display("GeoJSON({'type': 'Point', 'coordinates': [1, 2]})"),
    "application/geo+json",
    { type: "Point", coordinates: [1, 2] },
  ],
  [
    "audio",
    display("Audio(np.sin(np.arange(800)), rate=8000)"),
    "text/html",
    /<audio[\s\S]*data:audio\/wav;base64,UklGR/,
  ],
  [
    "a raw bundle with bytes",
    display("{'application/pdf': b'%PDF-'}, raw=True"),
    "application/pdf",
    "JVBERi0=",
  ],
  [
    "Vega-Lite",
    display("{'application/vnd.vegalite.v5+json': {'mark': 'bar'}}, raw=True"),
    "application/vnd.vegalite.v5+json",
    { mark: "bar" },
  ],
  [
    "Vega",
    display("{'application/vnd.vega.v5+json': {'marks': []}}, raw=True"),
    "application/vnd.vega.v5+json",
    { marks: [] },
  ],
  [
    "a plotly figure",
    "import plotly.express as px\npx.bar(x=['p', 'q'], y=[3, 4])",
    "application/vnd.plotly.v1+json",
    { data: [{ type: "bar", x: ["p", "q"], y: [3, 4] }] },
  ],
  [
    "a plotly figure that is shown",
    "import plotly.graph_objects as go\ngo.Figure(go.Scatter(y=[3, 4])).show()",
    "application/vnd.plotly.v1+json",
    { data: [{ type: "scatter", y: [3, 4] }] },
  ],
  [
    "an object of one's own",
    "class A:\n    def _repr_mimebundle_(self, **_):\n        return {'text/x-own': 'own', 'text/plain': 'a'}\nA()",
    "text/x-own",
    "own",
  ],
];

test.each(kinds)("%s comes as its MIME type", async (_, code, mime, expected) => {
  const bundles = await bundlesOf(code);
  const shown = bundles.find((bundle) => mime in bundle)?.[mime];
  if (expected instanceof RegExp) expect(shown).toMatch(expected);
  else if (typeof expected === "object") expect(shown).toMatchObject(expected as object);
  else expect(shown).toBe(expected);
});

const figures: [name: string, code: string, expected: object][] = [
  [
    "matplotlib",
    "import matplotlib.pyplot as plt\nplt.plot([1, 3], label='a')\nplt.title('T')\nplt.xlabel('t (s)');",
    {
      type: "line",
      title: "T",
      truncated: false,
      axes: [
        {
          x: { label: "t (s)", unit: "s", scale: "linear" },
          series: [{ type: "line", label: "a", x: [0, 1], y: [1, 3] }],
        },
      ],
    },
  ],
  [
    "pandas.plot",
    "import pandas as pd\npd.DataFrame({'a': [1, 2]}, index=['p', 'q']).plot.bar();",
    { type: "bar", axes: [{ series: [{ label: "a", x: ["p", "q"], y: [1, 2] }] }] },
  ],
  [
    "seaborn",
    "import pandas as pd, seaborn as sns\nsns.histplot(pd.DataFrame({'a': [1, 2, 2, 3]}), x='a', bins=2);",
    { type: "hist", axes: [{ series: [{ edges: [1, 2, 3], heights: [1, 3] }] }] },
  ],
];

test.each(figures)(
  "a figure of %s carries its chart beside the picture",
  async (_, code, chart) => {
    const [bundle] = await bundlesOf(code);
    expect(Object.keys(bundle ?? {}).sort()).toEqual([CHART, "image/png", "text/plain"].sort());
    expect(bundle?.[CHART]).toMatchObject(chart);
  },
);

test("a figure of a million points is answered with a small chart", async () => {
  const [bundle] = await bundlesOf(
    "import matplotlib.pyplot as plt, numpy as np\nplt.plot(np.arange(1_000_000));",
  );
  const chart = bundle?.[CHART] as { truncated: boolean };
  expect(chart.truncated).toBe(true);
  expect(JSON.stringify(chart).length).toBeLessThan(50_000);
});

test("a DataFrame and a Series carry their table, and a subclass does not", async () => {
  const [frame, series, own] = await bundlesOf(`
import pandas as pd
class Own(pd.DataFrame): pass
display(pd.DataFrame({"a": [1, None], "b": ["x", "y"]}), pd.Series([1, 2], name="s"), Own())`);
  expect(frame?.[TABLE]).toEqual({
    kind: "dataframe",
    shape: [2, 2],
    columns: [
      { name: "a", dtype: "float64", nulls: 1 },
      { name: "b", dtype: "object", nulls: 0 },
    ],
    index: { name: null, dtype: "int64", head: [0, 1] },
    head: [
      [1, "x"],
      [null, "y"],
    ],
    truncated: false,
  });
  expect(series?.[TABLE]).toMatchObject({ kind: "series", shape: [2, 1], head: [[1], [2]] });
  expect(own).toBeDefined();
  expect(own).not.toHaveProperty([TABLE]);
});

test("hundreds of tables in one cell do not end it, and the next cell has its own allowance", async () => {
  const show = (times: number) => `
import pandas as pd, numpy as np
frame = pd.DataFrame(np.zeros((20, 30)))
for _ in range(${times}): display(frame, include=["${TABLE}"])`;
  const session_id = uniqueId("tables");
  const many = await server.execute({ code: show(300), session_id });
  expect(many.status).toBe("ok");
  expect(many.outputs.length).toBeGreaterThan(20);
  expect(many.outputs.length).toBeLessThan(300);
  expect((await server.execute({ code: show(1), session_id })).outputs).toHaveLength(1);
});

test("a display that is updated shows its last state, in its first place", async () => {
  const bundles = await bundlesOf(
    "handle = display('one', display_id=True)\ndisplay('between')\nhandle.update('two')",
  );
  expect(bundles.map((bundle) => bundle["text/plain"])).toEqual(["'two'", "'between'"]);
});

test("output that is cleared is gone, at once or with the next", async () => {
  const clearing = (wait: string) =>
    `from IPython.display import clear_output\ndisplay(1)\nclear_output(${wait})`;
  expect(await bundlesOf(clearing(""))).toEqual([]);
  expect(await bundlesOf(clearing("wait=True"))).toHaveLength(1);
  expect(await bundlesOf(`${clearing("wait=True")}\ndisplay(2)`)).toEqual([{ "text/plain": "2" }]);
});

test.each([
  ["tqdm", "from tqdm import tqdm"],
  ["tqdm.auto", "from tqdm.auto import tqdm"],
  ["tqdm.notebook", "from tqdm.notebook import tqdm"],
])("a progress bar of %s is one line that fills", async (_, line) => {
  const response = await server.execute({
    code: `${line}\nfor _ in tqdm(range(3), desc="work"): pass`,
  });
  expect(response.error).toBeNull();
  expect(response.stderr).toMatch(/^work: 100%\|█+\| 3\/3 \[[^\n]*\]\n$/);
});

test("rich prints without escapes, and its progress bar once, when it is full", async () => {
  const response = await server.execute({
    code: "from rich.progress import track\nfrom rich import print\nfor _ in track(range(3), description='work'): pass\nprint('[bold]x[/bold]')",
  });
  expect(response.error).toBeNull();
  expect(response.stdout).toMatch(/^work ━+ 100% 0:00:00\nx\n$/);
  expect(response.outputs).toHaveLength(1);
});

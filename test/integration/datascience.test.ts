/** Ordinary data science under the default limits: what users of such a service run every day. */
import { beforeAll, expect, test } from "vitest";
import type { Client } from "../support/client.ts";
import { uniqueId } from "../support/server.ts";
import { joinSharedServer } from "../support/shared-server.ts";

let server: Client;

beforeAll(async () => {
  server = await joinSharedServer();
});

const workloads: [name: string, code: string, expected: string | RegExp][] = [
  [
    "numpy with BLAS threads",
    "import numpy as np\na = np.ones((600, 600))\nprint((a @ a).sum())\nprint(np.linalg.svd(a[:50, :50])[1][0].round(3))",
    "216000000.0\n50.0\n",
  ],
  [
    "a 300 MB array under the default memory limit",
    "import numpy as np\na = np.ones(300 * 1024 * 1024 // 8)\nprint(a.sum() == a.size)",
    "True\n",
  ],
  [
    "a multiprocessing pool",
    "import multiprocessing\ndef square(n):\n    return n * n\nwith multiprocessing.Pool(2) as pool:\n    print(pool.map(square, range(5)))",
    "[0, 1, 4, 9, 16]\n",
  ],
  [
    "a process pool of concurrent.futures",
    "from concurrent.futures import ProcessPoolExecutor\nwith ProcessPoolExecutor(2) as pool:\n    print(list(pool.map(abs, [-1, -2])))",
    "[1, 2]\n",
  ],
  [
    "a thread pool",
    "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(8) as pool:\n    print(sum(pool.map(lambda n: n, range(100))))",
    "4950\n",
  ],
  [
    "multiprocessing shared memory and locks",
    "from multiprocessing import Lock, Process, Value\nfrom multiprocessing.shared_memory import SharedMemory\n" +
      "m = SharedMemory(create=True, size=1000)\nm.buf[0] = 7\nvalue = Value('i', 0)\n" +
      "def add():\n    with value.get_lock(): value.value += m.buf[0]\n" +
      "children = [Process(target=add) for _ in range(3)]\nfor c in children: c.start()\nfor c in children: c.join()\n" +
      "m.close(); m.unlink()\nprint(value.value)",
    "21\n",
  ],
  [
    "subprocess with pipes",
    "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'print(input()[::-1])'], input='abc', capture_output=True, text=True).stdout)",
    "cba\n\n",
  ],
  [
    "shell pipelines",
    "import subprocess\nprint(subprocess.check_output('seq 5 | sort -rn | head -2', shell=True, text=True))",
    "5\n4\n\n",
  ],
  [
    "sqlite3 in a file and in memory",
    "import sqlite3\nfor target in ('data.db', ':memory:'):\n    with sqlite3.connect(target) as db:\n        db.execute('create table t (a)')\n        db.executemany('insert into t values (?)', [(n,) for n in range(10)])\n        print(db.execute('select sum(a) from t').fetchone())",
    "(45,)\n(45,)\n",
  ],
  [
    "pandas CSV round trip",
    "import pandas as pd\nframe = pd.DataFrame({'a': range(3), 'b': ['x', 'y', 'z']})\nframe.to_csv('f.csv', index=False)\nprint(pd.read_csv('f.csv').equals(frame))",
    "True\n",
  ],
  [
    "pandas Excel round trip",
    "import pandas as pd\nframe = pd.DataFrame({'a': range(3), 'b': ['x', 'y', 'z']})\nframe.to_excel('f.xlsx', index=False)\nprint(pd.read_excel('f.xlsx').equals(frame))",
    "True\n",
  ],
  [
    "pandas JSON, pickle and group-by",
    "import pandas as pd\nframe = pd.DataFrame({'k': list('aabb'), 'v': [1, 2, 3, 4]})\nframe.to_pickle('f.pkl'); frame.to_json('f.json')\nprint(pd.read_pickle('f.pkl').groupby('k').v.sum().to_dict(), len(pd.read_json('f.json')))",
    "{'a': 3, 'b': 7} 4\n",
  ],
  [
    "a scikit-learn fit with n_jobs=2",
    "from sklearn.ensemble import RandomForestClassifier\nfrom sklearn.datasets import make_classification\nfrom sklearn.model_selection import cross_val_score\n" +
      "X, y = make_classification(200, random_state=0)\nmodel = RandomForestClassifier(20, n_jobs=2, random_state=0)\nprint(model.fit(X, y).score(X, y))\n" +
      "print(len(cross_val_score(model, X, y, cv=3, n_jobs=2)))",
    /^1\.0\n3\n$/,
  ],
  [
    "k-means and PCA",
    "import numpy as np\nfrom sklearn.cluster import KMeans\nfrom sklearn.decomposition import PCA\nX = np.random.rand(300, 8)\nprint(len(set(KMeans(3, n_init=2).fit_predict(X))), PCA(2).fit_transform(X).shape)",
    "3 (300, 2)\n",
  ],
  [
    "scipy optimisation and statistics",
    "from scipy import optimize, stats\nprint(round(optimize.minimize(lambda x: (x[0] - 3) ** 2, [0]).x[0], 3))\nprint(round(stats.norm.cdf(0), 2))",
    "3.0\n0.5\n",
  ],
  [
    "plotly",
    "import plotly.graph_objects as go\nfigure = go.Figure(go.Bar(x=[1, 2], y=[3, 4]))\nfigure.write_html('f.html')\nimport os\nprint(len(figure.to_json()) > 50, os.path.getsize('f.html') > 1000)",
    "True True\n",
  ],
  [
    "loopback sockets",
    "import socket, threading\nserver = socket.create_server(('127.0.0.1', 0))\n" +
      "def serve():\n    connection, _ = server.accept()\n    connection.sendall(connection.recv(10)[::-1])\n    connection.close()\n" +
      "threading.Thread(target=serve).start()\nclient = socket.create_connection(server.getsockname())\nclient.sendall(b'abc')\nprint(client.recv(10))",
    "b'cba'\n",
  ],
  [
    "an HTTP server on its own loopback",
    "import http.server, threading, urllib.request\nserver = http.server.ThreadingHTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)\n" +
      "threading.Thread(target=server.serve_forever, daemon=True).start()\n" +
      "print(urllib.request.urlopen(f'http://127.0.0.1:{server.server_port}/').status)\nserver.shutdown()",
    "200\n",
  ],
  [
    "asyncio with a subprocess",
    "import asyncio\nprocess = await asyncio.create_subprocess_exec('echo', 'hi', stdout=asyncio.subprocess.PIPE)\nprint((await process.communicate())[0])",
    "b'hi\\n'\n",
  ],
  [
    "an asyncio server, in this Python and in one started anew",
    `import runpy, subprocess, sys
open("echo.py", "w").write('''
import asyncio
async def echo(reader, writer):
    writer.writelines([await reader.read(9), b"!"])
    await writer.drain()
    writer.close()
async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"hi")
    print(await reader.read(), flush=True)
asyncio.run(main())
''')
runpy.run_path("echo.py")
print(subprocess.run([sys.executable, "echo.py"], capture_output=True, text=True).stdout, end="")`,
    "b'hi!'\nb'hi!'\n",
  ],
  [
    "descriptors passed between its own processes",
    `import os, socket
ours, theirs = socket.socketpair()
read, write = os.pipe()
if os.fork() == 0:
    socket.send_fds(ours, [b"x"], [write])
    os._exit(0)
os.write(socket.recv_fds(theirs, 1, 1)[1][0], b"through")
print(os.read(read, 9))`,
    "b'through'\n",
  ],
  [
    "tempfile",
    "import tempfile\nwith tempfile.NamedTemporaryFile('w+') as f, tempfile.TemporaryDirectory() as d:\n    f.write('x'); f.seek(0)\n    print(f.read(), d.startswith('/tmp'))",
    "x True\n",
  ],
  [
    "zipfile, tarfile and gzip",
    "import gzip, tarfile, zipfile\nwith zipfile.ZipFile('a.zip', 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('x', 'y' * 1000)\n" +
      "with tarfile.open('a.tgz', 'w:gz') as t: t.add('a.zip')\n" +
      "print(zipfile.ZipFile('a.zip').read('x')[:2], tarfile.open('a.tgz').getnames(), gzip.decompress(gzip.compress(b'z')))",
    "b'yy' ['a.zip'] b'z'\n",
  ],
  [
    "file operations: chmod, rename, links, walk",
    "import os, pathlib, shutil\npathlib.Path('d/e').mkdir(parents=True)\npathlib.Path('d/f').write_text('x')\nos.chmod('d/f', 0o600)\nos.symlink('f', 'd/l')\nos.link('d/f', 'd/h')\n" +
      "os.rename('d/h', 'd/g')\nshutil.copytree('d', 'c', symlinks=True)\nprint(sorted(n for _, _, names in os.walk('c') for n in names))\nshutil.rmtree('d')",
    "['f', 'g', 'l']\n",
  ],
  [
    "copies of files by shutil and by the shell",
    "import os, shutil, subprocess\nopen('a', 'wb').write(bytes(300_000))\nshutil.copy2('a', 'b')\nshutil.move('b', '/tmp/b')\n" +
      "subprocess.run('cp a c && cp --reflink=auto -a c d && cat a c > e && install e f && mv f /tmp/f && tar cf g a c', shell=True, check=True)\n" +
      "print([os.path.getsize(name) for name in ('/tmp/b', 'c', 'd', 'e', '/tmp/f')])",
    "[300000, 300000, 300000, 600000, 600000]\n",
  ],
  [
    "statsmodels",
    "import numpy as np, statsmodels.api as sm\nx = np.arange(20.0)\nprint(sm.OLS(2 * x + 1, sm.add_constant(x)).fit().params.round(3).tolist())",
    "[1.0, 2.0]\n",
  ],
  [
    "sympy",
    "import sympy\nx = sympy.symbols('x')\nprint(sympy.integrate(x ** 2, x), sympy.solve(x ** 2 - 4, x))",
    "x**3/3 [-2, 2]\n",
  ],
  [
    "networkx",
    "import networkx as nx\nprint(nx.shortest_path(nx.path_graph(4), 0, 3))",
    "[0, 1, 2, 3]\n",
  ],
  [
    "biopython",
    "import io\nfrom Bio import SeqIO\nprint([(r.id, str(r.seq.reverse_complement())) for r in SeqIO.parse(io.StringIO('>a\\nACGT\\n>b\\nGGA\\n'), 'fasta')])",
    "[('a', 'ACGT'), ('b', 'TCC')]\n",
  ],
  [
    "pillow",
    "from PIL import Image\nImage.new('RGB', (8, 8), 'red').save('a.jpg')\nprint(Image.open('a.jpg').size)",
    "(8, 8)\n",
  ],
  [
    "time zones, locale and dates",
    "import datetime, zoneinfo\nprint(datetime.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')).utcoffset())",
    "1:00:00\n",
  ],
  [
    "memory-mapped files",
    "import numpy as np\nm = np.memmap('m.dat', dtype='f8', mode='w+', shape=(1000,))\nm[:] = 1\nm.flush()\nprint(np.memmap('m.dat', dtype='f8', mode='r').sum())",
    "1000.0\n",
  ],
  [
    "signals and timers",
    "import signal, time\nseen = []\nsignal.signal(signal.SIGALRM, lambda *a: seen.append(1))\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\ntime.sleep(0.2)\nprint(seen)",
    "[1]\n",
  ],
];

test.each(workloads)("%s", async (_, code, expected) => {
  const response = await server.execute({ code, timeout: 30 });
  expect(response.error, response.stderr).toBeNull();
  expect(response.status).toBe("ok");
  if (typeof expected === "string") {
    expect(response.stdout).toBe(expected);
  } else {
    expect(response.stdout).toMatch(expected);
  }
});

test("seaborn draws a figure that comes out as PNG", async () => {
  const response = await server.execute({
    code: "import pandas as pd, seaborn as sns\nsns.histplot(pd.DataFrame({'a': [1, 2, 2, 3]}), x='a');",
  });
  expect(response.error).toBeNull();
  expect(response.result_base64?.startsWith("iVBORw0KGgo")).toBe(true);
});

test("a plotly figure as the last expression is rich output", async () => {
  const response = await server.execute({
    code: "import plotly.express as px\npx.bar(x=[1, 2], y=[3, 4])",
  });
  expect(response.error).toBeNull();
  const keys = response.outputs.flatMap((output) =>
    output.output_type === "display_data" || output.output_type === "execute_result"
      ? Object.keys(output.data)
      : [],
  );
  expect(keys.some((key) => key === "text/html" || key.includes("plotly"))).toBe(true);
});

test("prints to both streams in turn, and what replaces what was shown, are within the bounds", async () => {
  const alternating = await server.execute({
    code: "import sys\nfor n in range(3200):\n    print(n)\n    print(n, file=sys.stderr)",
  });
  expect(alternating).toMatchObject({ status: "ok", exit_code: 0 });
  expect(alternating.outputs).toHaveLength(6400);
  expect(alternating.stderr).toMatch(/\n3199\n$/);
  const cleared = await server.execute({
    code: "from IPython.display import clear_output\nfor n in range(3600):\n    clear_output(wait=True)\n    print(n)",
  });
  expect(cleared).toMatchObject({ status: "ok", stdout: "3599\n" });
  const updated = await server.execute({
    code: "handle = display(0, display_id=True)\nfor n in range(3600): handle.update(n)",
  });
  expect(updated.status).toBe("ok");
  expect(updated.outputs).toMatchObject([{ data: { "text/plain": "3599" } }]);
});

test("a figure of the Agg backend is shown, and the next one is another", async () => {
  const session_id = uniqueId("agg");
  const first = await server.execute({
    session_id,
    code: "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.savefig('a.png')",
  });
  expect(first).toMatchObject({ status: "ok", files_created: ["a.png"] });
  expect(first.result_base64).toMatch(/^iVBOR/);
  const second = await server.execute({
    session_id,
    code: "print(plt.get_fignums())\nplt.plot([3])\nplt.show()",
  });
  expect(second.stdout).toBe("[]\n");
  expect(second.outputs.filter((output) => "data" in output)).toHaveLength(1);
  expect(second.result_base64).toMatch(/^iVBOR/);
});

test("an error that another library prints is an error", async () => {
  const response = await server.execute({
    code: "from rich.traceback import install\ninstall()\n1 / 0",
  });
  expect(response).toMatchObject({ status: "error", exit_code: 1 });
  expect(response.error).toMatchObject({ ename: "ZeroDivisionError", evalue: "division by zero" });
});

test("a chart of plotly is shown with its library", async () => {
  const response = await server.execute({
    code: "import plotly.express as px\nfrom IPython.display import HTML\nHTML(px.bar(y=[1, 2]).to_html())",
  });
  expect(response).toMatchObject({ status: "ok", stderr: "" });
  const [output] = response.outputs;
  const html = output && "data" in output ? String(output.data["text/html"]) : "";
  expect(html).toContain("plotly-graph-div");
  expect(html.length).toBeGreaterThan(3_000_000);
});

test("modules of the workspace may have any name, and processes start in every way", async () => {
  const names = ["output", "plan", "tables", "charts", "shell", "kernel", "workspace", "scripts"];
  const session_id = uniqueId("names");
  const response = await server.execute({
    session_id,
    code: [
      `names = ${JSON.stringify(names)}`,
      "for name in names: open(f'{name}.py', 'w').write(f'def where(_=0): return {name!r}')",
      "print([__import__(name).where() for name in names])",
    ].join("\n"),
  });
  expect(response.stdout).toBe(`['${names.join("', '")}']\n`);
  const started = await server.execute({
    session_id,
    code: [
      "import multiprocessing, plan",
      "for way in ('fork', 'spawn', 'forkserver'):",
      "    with multiprocessing.get_context(way).Pool(1) as pool: print(pool.map(plan.where, [0]))",
      "with multiprocessing.Manager() as manager: print(dict(manager.dict(a=1)))",
      "print(__doc__, __spec__)",
    ].join("\n"),
  });
  expect(started.stdout).toBe(
    `${"['plan']\n".repeat(3)}{'a': 1}\nThe cells of this session. None\n`,
  );
});

test("folders are moved between as in a terminal, and a warning reads as Python's own", async () => {
  const session_id = uniqueId("cd");
  const answers: string[] = [];
  for (const code of ["%cd /tmp", "%cd -", "%bookmark here", "%cd /tmp", "%cd -b here"]) {
    const response = await server.execute({ session_id, code });
    expect(response).toMatchObject({ status: "ok", stderr: "" });
    answers.push(response.stdout);
  }
  expect(answers.slice(0, 2)).toEqual(["/tmp\n", "/workspace\n"]);
  expect(answers[4]).toMatch(/\/workspace\n$/);
  const warned = await server.execute({
    session_id,
    code: "import warnings\nwarnings.warn('x')",
  });
  expect(warned.stderr).toMatch(/:2: UserWarning: x\n {2}warnings\.warn\('x'\)\n$/);
});

test("titles in Chinese, Japanese, Korean and Hindi are drawn without a warning", async () => {
  const response = await server.execute({
    code: "import matplotlib.pyplot as plt\nplt.title('测试 テスト 테스트 परीक्षण Test')\nplt.plot([1, 2])\nplt.show()",
  });
  expect(response).toMatchObject({ status: "ok", stderr: "" });
  expect(response.result_base64).not.toBeNull();
});

test("figures that have no image are told in words, in text and to a model", async () => {
  const plotly =
    "import plotly.graph_objects as go\ngo.Figure(go.Bar(name='sales', x=[1, 2], y=[3, 4]), layout={'title': 'By month'})";
  const figure = await server.execute({ code: plotly });
  expect(figure.result_text).toBe('(a plotly chart "By month": bar "sales" (2 values))\n');
  const page = "from IPython.display import HTML\nHTML('<h1>Report</h1><p>of May')";
  const shown = await server.execute({ code: page });
  expect(shown.result_text).toBe("(HTML, 24 characters: Report of May)\n");
});

test.each([
  ["python", "subprocess.run(['python', '-c', 'print(6 * 7)'], check=True)", "42\n"],
  [
    "zip and unzip",
    "open('a', 'w').write('x'); !zip -q a.zip a && unzip -l a.zip | tail -1",
    /1 file/,
  ],
  [
    "another name of the workspace",
    "open('/mnt/data/x', 'w').write('1'); print(os.listdir('/workspace'))",
    "['x']\n",
  ],
  [
    "languages",
    "import locale; print(locale.setlocale(locale.LC_ALL, 'de_DE.UTF-8'), locale.str(1.5))",
    "de_DE.UTF-8 1,5\n",
  ],
  ["old Excel", "import xlrd, docx, pypdf, tables, xarray, skimage; print('there')", "there\n"],
  [
    "widgets",
    "import ipywidgets; print(ipywidgets.interactive(lambda x: x * 2, x=(0, 8)).children[0].value)",
    "4\n",
  ],
  [
    "tables by SQL",
    "import pandas, sqlalchemy; print(pandas.read_sql('select 42 a', sqlalchemy.create_engine('sqlite://')).a[0])",
    "42\n",
  ],
  [
    "fits",
    "import lmfit; print(round(lmfit.models.LinearModel().fit([1, 3, 5], x=[0, 1, 2]).best_values['slope'], 6))",
    "2.0\n",
  ],
  [
    "shapes, wavelets, models and clouds",
    "import shapely, pywt, pydantic, wordcloud; print(shapely.box(0, 0, 2, 3).area)",
    "6.0\n",
  ],
])("there is what code expects: %s", async (_, code, printed) => {
  const lines = code.replace("; !", "\n!");
  const response = await server.execute({ code: `import os, subprocess\n${lines}` });
  expect(response.error).toBeNull();
  if (typeof printed === "string") expect(response.stdout).toBe(printed);
  else expect(response.stdout).toMatch(printed);
});

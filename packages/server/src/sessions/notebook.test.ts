import { expect, test } from "vitest";
import { ServiceError } from "../errors.js";
import { Execution } from "./execution.js";
import { notebookOf } from "./notebook.js";
import { mayFail, readNotebook } from "./notebook-input.js";
import type { ExecutionOutcome } from "./outcome.js";
import type { Output } from "./outputs.js";

const CODE_BYTES_MAX = 1000;

function code(source: unknown, others: object = {}) {
  return {
    cell_type: "code",
    metadata: {},
    source,
    outputs: [{ old: true }],
    execution_count: 7,
    ...others,
  };
}

function notebook(...cells: unknown[]) {
  return { nbformat: 4, nbformat_minor: 4, metadata: {}, cells };
}

const refused: [problem: string, value: unknown, message: RegExp, hint?: RegExp][] = [
  ["a text", "{}", /must be an object/, /\.ipynb/],
  ["a list", [], /must be an object/, /\.ipynb/],
  ["null", null, /must be an object/],
  ["any other object", { cells: [] }, /no field nbformat/, /\.ipynb/],
  ["nbformat 3", { nbformat: 3, worksheets: [] }, /nbformat 3 or older/, /nbconvert/],
  ["worksheets", { worksheets: [] }, /nbformat 3 or older/, /nbconvert/],
  ["nbformat 5", { nbformat: 5, cells: [] }, /nbformat must be 4, not 5/],
  ["nbformat as a text", { nbformat: "4", cells: [] }, /must be 4, not "4"/],
  ["no cells", { nbformat: 4 }, /notebook\.cells must be a list/],
  ["a cell that is none", notebook(1), /notebook\.cells\[0\] must be an object/],
  [
    "an unknown kind of cell",
    notebook(code("1"), { cell_type: "heading", source: "" }),
    /cells\[1\]\.cell_type must be code, markdown or raw/,
  ],
  ["a cell without source", notebook({ cell_type: "code" }), /cells\[0\]\.source must be a string/],
  ["a source of numbers", notebook(code([1])), /cells\[0\]\.source must be a string/],
  [
    "metadata that is a list",
    notebook(code("1", { metadata: [] })),
    /cells\[0\]\.metadata must be/,
  ],
  [
    "a notebook in R",
    { ...notebook(code("x <- 1")), metadata: { language_info: { name: "R" } } },
    /written in R, and sandboxes run Python only/,
    /kernelspec/,
  ],
  [
    "a notebook of a kernel for R",
    { ...notebook(code("1")), metadata: { kernelspec: { name: "ir", display_name: "R" } } },
    /written in R,/,
  ],
  [
    "a notebook in Julia",
    { ...notebook(code("1")), metadata: { kernelspec: { language: "julia", name: "julia-1.9" } } },
    /written in julia,/,
  ],
  ["too many cells", notebook(...Array(1001).fill(code("1"))), /1001 cells, and at most 1000/],
];

test.each(refused)("%s is refused, and told by its place", (_, value, message, hint) => {
  let error: unknown;
  try {
    readNotebook(value, CODE_BYTES_MAX);
  } catch (caught) {
    error = caught;
  }
  expect(error).toBeInstanceOf(ServiceError);
  expect(error).toMatchObject({ code: "INVALID_REQUEST", message: expect.stringMatching(message) });
  if (hint) expect((error as ServiceError).hint).toMatch(hint);
});

test("code over the limit is refused as in /execute", () => {
  expect(() => readNotebook(notebook(code("ä".repeat(501))), CODE_BYTES_MAX)).toThrowError(
    expect.objectContaining({ code: "CODE_TOO_LARGE" }),
  );
});

test("a notebook is read in one form: ids, sources as text, no outputs, no unknown fields", () => {
  const read = readNotebook(
    {
      ...notebook(
        code(["a = 1\n", "a"], {
          id: "kept",
          collapsed: true,
          metadata: { execution: {}, tags: ["x"] },
        }),
        { cell_type: "markdown", source: "# T", attachments: { "a.png": {} } },
        code("2", { id: "kept" }),
        code("3", { id: "not valid!" }),
      ),
      metadata: { kernelspec: { name: "mine", display_name: "Mine" } },
      signature: "x",
    },
    CODE_BYTES_MAX,
  );
  expect(read).toMatchObject({ nbformat: 4, nbformat_minor: 5 });
  expect(read.metadata).toMatchObject({
    kernelspec: { name: "mine" },
    language_info: { name: "python" },
  });
  expect(read.cells).toEqual([
    {
      cell_type: "code",
      id: "kept",
      metadata: { tags: ["x"] },
      source: "a = 1\na",
      outputs: [],
      execution_count: null,
    },
    {
      cell_type: "markdown",
      id: "cell-1",
      metadata: {},
      source: "# T",
      attachments: { "a.png": {} },
    },
    expect.objectContaining({ id: "cell-2", source: "2" }),
    expect.objectContaining({ id: "cell-3", source: "3" }),
  ]);
  expect(read).not.toHaveProperty("signature");
});

test("ids that are taken on purpose are avoided", () => {
  const cells = ["cell-2", "cell-2-2", undefined].map((id) => code("1", { id }));
  const ids = readNotebook(notebook(...cells), CODE_BYTES_MAX).cells.map((cell) => cell.id);
  expect(ids).toEqual(["cell-2", "cell-2-2", "cell-2-3"]);
});

test("a tag says that a cell may fail", () => {
  const [tagged, plain, odd] = readNotebook(
    notebook(
      code("1", { metadata: { tags: ["raises-exception"] } }),
      code("1"),
      code("1", { metadata: { tags: "raises-exception" } }),
    ),
    CODE_BYTES_MAX,
  ).cells.map(mayFail);
  expect([tagged, plain, odd]).toEqual([true, false, false]);
});

test("a notebook in Python is read, whatever its kernel is called, and one that says nothing", () => {
  for (const metadata of [
    {},
    { kernelspec: { name: "my-env", display_name: "My" } },
    { kernelspec: { name: "python2", language: "python" }, language_info: { name: "ipython" } },
    { language_info: { name: "Python" }, kernelspec: 1 },
    { language_info: { name: 3 } },
  ]) {
    const read = readNotebook({ ...notebook(code("1")), metadata }, CODE_BYTES_MAX);
    expect(read.cells, JSON.stringify(metadata)).toHaveLength(1);
  }
});

function execution(id: number, source: string, more: object = {}): Execution {
  const bounds = { timeoutMs: 1000, outputBytesMax: 1000, allowInput: false };
  const request = { code: source, ...bounds, ...more };
  return new Execution({ id, sessionId: "s", request, queuedBefore: 0, followed: false });
}

function outcomeWith(outputs: Output[]): ExecutionOutcome {
  return {
    status: "ok",
    exitCode: 0,
    outputs,
    stdout: "",
    stderr: "",
    truncated: false,
    error: null,
    executionTime: 0,
    executionCount: 3,
    filesCreated: [],
    filesModified: [],
    cpuSeconds: 0,
    sandboxCpuSeconds: 0,
    memoryPeakBytes: 0,
    wallSeconds: 0,
    outputBytes: 0,
    spent: false,
  };
}

test("a history becomes a notebook of what has ended", () => {
  const done = execution(1, "show()");
  done.succeeded(
    outcomeWith([
      {
        output_type: "display_data",
        data: { "text/plain": "x", "application/json": { a: 1 }, "text/odd": { b: 2 } },
        metadata: {},
      },
    ]),
  );
  const failed = execution(2, "never()");
  failed.outcome.catch(() => undefined);
  failed.failed(new ServiceError("POOL_EXHAUSTED"));
  const dropped = execution(3, "long()");
  dropped.succeeded(outcomeWith([]));
  dropped.dropOutputs();
  const { cells, ...notebook } = notebookOf([done, failed, dropped, execution(4, "queued()")]);
  expect(notebook).toMatchObject({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "python3" }, language_info: { name: "python" } },
  });
  expect(cells).toEqual([
    {
      cell_type: "code",
      id: "execution-1",
      metadata: {},
      source: "show()",
      execution_count: 3,
      outputs: [
        {
          output_type: "display_data",
          // nbformat lets nothing but text stand under a type that is not JSON.
          data: { "text/plain": "x", "application/json": { a: 1 }, "text/odd": '{"b":2}' },
          metadata: {},
        },
      ],
    },
    {
      cell_type: "raw",
      id: "execution-3",
      metadata: {},
      source: expect.stringMatching(/no longer kept[\s\S]*long\(\)/),
    },
  ]);
});

test("what a front end asks in silence is no cell, and what went into a run is not kept", () => {
  const wishes = { silent: true, storeHistory: false, expressions: {} };
  const comm = { kind: "msg", commId: "c", data: {}, metadata: {}, buffers: ["x".repeat(1000)] };
  const silent = execution(1, "", { wishes, comm });
  const given = execution(2, "print(input())", {
    stdin: "x".repeat(1000),
    env: { A: "b" },
    argv: ["p"],
  });
  for (const one of [silent, given]) {
    expect(JSON.stringify(one.request).length).toBeGreaterThan(1000);
    one.succeeded(outcomeWith([]));
    expect(JSON.stringify(one.request).length).toBeLessThan(300);
  }
  const { cells } = notebookOf([silent, given]);
  expect(cells.map(({ source }) => source)).toEqual(["print(input())"]);
});

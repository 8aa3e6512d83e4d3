import { readFileSync } from "node:fs";
import os from "node:os";
import { describe, type Figures } from "./scenarios.js";
import type { SystemName } from "./system.js";

export type Measure =
  | "load_100"
  | "load_1000"
  | "one_user"
  | "first_result_pool"
  | "first_result_no_pool"
  | "ten_at_once_pool"
  | "ten_at_once_no_pool"
  | "plot"
  | "memory_bare"
  | "memory_libraries"
  | "streamed"
  | "first_byte"
  | "idle_streams"
  | "variables"
  | "completion"
  | "generate_session"
  | "generate_stateless"
  | "generate_30"
  | "large_file"
  | "small_files"
  | "chat_turn"
  | "one_user_facade"
  | "load_100_facade"
  | "first_result_facade"
  | "many_sessions";

interface Result {
  system: SystemName;
  measure: Measure;
  figures: Figures;
}

interface Failure {
  system: SystemName;
  what: string;
  reason: string;
}

interface Row {
  label: string;
  measure: Measure;
  aim: string;
  show: (figures: Figures) => string;
}

const number = (value: number | undefined): string => {
  if (value === undefined || Number.isNaN(value)) return "?";
  if (value >= 100) return Math.round(value).toLocaleString("en-US");
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
};

const show = {
  throughput: (figures: Figures) => number(figures.requests_per_second),
  success: (figures: Figures) => `${Number(figures.success_percent?.toFixed(2))}`,
  percentiles: (figures: Figures) =>
    ["p50_ms", "p95_ms", "p99_ms"].map((name) => number(figures[name])).join(" / "),
  meanAndP50: (figures: Figures) => `${number(figures.mean_ms)} / ${number(figures.p50_ms)}`,
  p50AndP95: (figures: Figures) => `${number(figures.p50_ms)} / ${number(figures.p95_ms)}`,
  p50AndMax: (figures: Figures) => `${number(figures.p50_ms)} / ${number(figures.max_ms)}`,
  plainAndStreamed: (figures: Figures) =>
    `${number(figures.plain_p50_ms)} / ${number(figures.streamed_p50_ms)}`,
  memory: (figures: Figures) =>
    ["private_mb", "pss_mb"].map((name) => number(figures[name])).join(" / "),
};

const loadRows = (measure: Measure, requests: string, aims: [string, string]): Row[] => [
  {
    label: `(a) 30 users x ${requests}: req/s`,
    measure,
    aim: aims[0],
    show: show.throughput,
  },
  { label: "    correct answers, %", measure, aim: "100", show: show.success },
  { label: "    p50 / p95 / p99, ms", measure, aim: aims[1], show: show.percentiles },
];

const ROWS: readonly Row[] = [
  ...loadRows("load_100", "100", ["", ""]),
  ...loadRows("load_1000", "1000", ["1/4 of bare", "p95 < 15"]),
  {
    label: "    one user: mean / p50, ms per run",
    measure: "one_user",
    aim: "< 0.7",
    show: show.meanAndP50,
  },
  {
    label: "(b) new session to result, pool: p50 / p95, ms",
    measure: "first_result_pool",
    aim: "p50 < 5",
    show: show.p50AndP95,
  },
  {
    label: "    no pool: p50 / p95, ms",
    measure: "first_result_no_pool",
    aim: "p50 < 20",
    show: show.p50AndP95,
  },
  {
    label: "    10 at once, pool: median / worst, ms",
    measure: "ten_at_once_pool",
    aim: "< 60",
    show: show.p50AndMax,
  },
  {
    label: "    10 at once, no pool: median / worst, ms",
    measure: "ten_at_once_no_pool",
    aim: "",
    show: show.p50AndMax,
  },
  {
    label: "(c) session + pandas + plot as PNG: p50 / p95, ms",
    measure: "plot",
    aim: "p50 < 120",
    show: show.p50AndP95,
  },
  {
    label: "(d) idle session: private / PSS, MB",
    measure: "memory_bare",
    aim: "private < 10",
    show: show.memory,
  },
  {
    label: "    after the imports: private / PSS, MB",
    measure: "memory_libraries",
    aim: "private < 12",
    show: show.memory,
  },
  {
    label: "(s) one user: plain / streamed, p50 ms",
    measure: "streamed",
    aim: "+ 10 %",
    show: show.plainAndStreamed,
  },
  {
    label: "    print before a sleep: p50 / p95, ms",
    measure: "first_byte",
    aim: "< 50",
    show: show.p50AndP95,
  },
  {
    label: "    200 idle streams: MB",
    measure: "idle_streams",
    aim: "< 20",
    show: (figures) => number(figures.mb),
  },
  {
    label: "(i) variables of 1000 names: p50 / p95, ms",
    measure: "variables",
    aim: "< 50",
    show: show.p50AndP95,
  },
  {
    label: "    completion of an attribute: p50 / p95, ms",
    measure: "completion",
    aim: "",
    show: show.p50AndP95,
  },
  {
    label: "(f) a file of 50 MB: in / out, MB/s",
    measure: "large_file",
    aim: "> 200",
    show: (figures) => `${number(figures.in_mb_per_second)} / ${number(figures.out_mb_per_second)}`,
  },
  {
    label: "    a small one: first in / next in / out, p50 ms",
    measure: "small_files",
    aim: "",
    show: (figures) =>
      ["first_p50_ms", "next_p50_ms", "read_p50_ms"]
        .map((name) => number(figures[name]))
        .join(" / "),
  },
  {
    label: "(g) a question to its result, in a session: p50 / p95, ms",
    measure: "generate_session",
    aim: "< 60",
    show: show.p50AndP95,
  },
  {
    label: "    the same in a sandbox of its own: p50 / p95, ms",
    measure: "generate_stateless",
    aim: "< 60",
    show: show.p50AndP95,
  },
  {
    label: "    a turn of a chat with one run, two calls of the model: p50 / p95, ms",
    measure: "chat_turn",
    aim: "< 60",
    show: show.p50AndP95,
  },
  {
    label: "    30 questions at once: p50 / max, ms",
    measure: "generate_30",
    aim: "no failure",
    show: show.p50AndMax,
  },
  {
    label: "(j) one user, run to idle: mean / p50, ms",
    measure: "one_user_facade",
    aim: "1.3 x",
    show: show.meanAndP50,
  },
  {
    label: "    30 users x 100: req/s",
    measure: "load_100_facade",
    aim: "",
    show: show.throughput,
  },
  {
    label: "    new session to result: p50 / p95, ms",
    measure: "first_result_facade",
    aim: "p50 < 30",
    show: show.p50AndP95,
  },
  {
    label: "(m) many sessions with pandas: how many / MB each",
    measure: "many_sessions",
    aim: "each < 12",
    show: (figures) => `${figures.sessions} / ${number(figures.mb_per_session)}`,
  },
  {
    label: "    a cell of 100 ms that prints, in each: p50 / p95, ms",
    measure: "many_sessions",
    aim: "no failure",
    show: show.p50AndP95,
  },
  {
    label: "    made and used / stopped, s",
    measure: "many_sessions",
    aim: "",
    show: (figures) => `${number(figures.opened_seconds)} / ${number(figures.stop_seconds)}`,
  },
];

const COLUMNS: readonly { title: string; system: SystemName }[] = [
  { title: "Glovebox", system: "glovebox" },
  { title: "bare Fastify", system: "bare_fastify" },
  { title: "by Jupyter's interface", system: "glovebox_jupyter" },
  { title: "jupyter-server", system: "jupyter_server" },
];

/** Collects the figures as they come, and prints them as one table at the end. */
export class Report {
  readonly #results: Result[] = [];
  readonly #failures: Failure[] = [];
  readonly #busyPercent: number;

  /** `busyPercent` is how much of the machine others used before the first measurement. */
  constructor(busyPercent: number) {
    this.#busyPercent = busyPercent;
  }

  add(system: SystemName, measure: Measure, figures: Figures): void {
    this.#results.push({ system, measure, figures });
  }

  fail(system: SystemName, what: string, error: unknown): void {
    this.#failures.push({ system, what, reason: describe(error) });
  }

  get hasFailures(): boolean {
    return this.#failures.length > 0;
  }

  toJson(): string {
    const report = {
      date: new Date().toISOString(),
      machine: machine(),
      busy_before_percent: this.#busyPercent,
      results: this.#results,
      failures: this.#failures,
    };
    return `${JSON.stringify(report, null, 2)}\n`;
  }

  toTable(): string {
    const used = ROWS.filter((row) => this.#results.some(({ measure }) => measure === row.measure));
    const header = ["", ...COLUMNS.map(({ title }) => title), "aim for Glovebox"];
    const body = used.map((row) => [
      row.label,
      ...COLUMNS.map(({ system }) => {
        const figures = this.#figures(system, row.measure);
        return figures ? row.show(figures) : "-";
      }),
      row.aim,
    ]);
    const { cpu, cores, memory_gb, kernel, node } = machine();
    return [
      `${cpu}, ${cores} cores, ${memory_gb} GB, Linux ${kernel}, Node ${node}`,
      `${new Date().toISOString().slice(0, 10)}; load generator and server share the cores, ` +
        `of which others used ${Math.round(this.#busyPercent)} % before the start`,
      "",
      ...(body.length > 0 ? alignColumns([header, ...body]) : ["Nothing was measured."]),
      ...this.#notes(),
      ...this.#failures.map(({ system, what, reason }) => `FAILED ${system}, ${what}: ${reason}`),
    ].join("\n");
  }

  #figures(system: SystemName, measure: Measure): Figures | undefined {
    return this.#results.find((result) => result.system === system && result.measure === measure)
      ?.figures;
  }

  #notes(): string[] {
    const notes: string[] = [];
    for (const measure of ["load_100", "load_1000"] as const) {
      const ours = this.#figures("glovebox", measure)?.requests_per_second;
      const ceiling = this.#figures("bare_fastify", measure)?.requests_per_second;
      if (ours === undefined || ceiling === undefined) continue;
      const share = ((100 * ours) / ceiling).toFixed(1);
      notes.push(`${measure}: Glovebox reaches ${share} % of the bare Fastify route.`);
    }
    const kernels = this.#figures("jupyter_server", "load_100");
    if (kernels && kernels.requests_per_user !== 100) {
      const { users, requests_per_user } = kernels;
      notes.push(`jupyter-server's load is ${users} kernels x ${requests_per_user} requests.`);
    }
    return notes.length > 0 ? ["", ...notes] : [];
  }
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  "),
  );
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  return [lines[0] ?? "", rule, ...lines.slice(1)];
}

function machine() {
  const modelName = /^model name\s*: (.+)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1];
  return {
    cpu: modelName ?? os.arch(),
    cores: os.availableParallelism(),
    memory_gb: Math.round(os.totalmem() / 2 ** 30),
    kernel: os.release(),
    node: process.versions.node,
  };
}

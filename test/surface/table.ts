/** Writes what was measured as Markdown, with the machine and what could not be decided. */
import os from "node:os";
import type { Measured } from "./bounds.ts";
import { answeredCalls, type LiveAnswers, madeFamilies, type Surface } from "./surface.ts";

interface Column {
  readonly title: string;
  /** Absent where the programs do not stand between this guest and what answers it. */
  readonly surface?: Surface;
  readonly live?: LiveAnswers;
}

type Row = readonly [label: string, cell: (column: Column) => string | undefined];

const FAMILY_NAMES: Readonly<Record<number, string>> = {
  1: "UNIX",
  2: "INET",
  10: "INET6",
  16: "NETLINK",
  17: "PACKET",
  40: "VSOCK",
  44: "XDP",
};

const ROWS: readonly Row[] = [
  ["native calls that pass the filter", ({ surface }) => surface && String(surface.native.length)],
  [
    "native calls that answered, tried inside",
    ({ live }) => live && String(answeredCalls(live).length),
  ],
  ["32-bit calls (int 0x80) that pass", ({ surface }) => surface && String(surface.i386)],
  ["getpid by int 0x80, tried inside", ({ live }) => live?.foreign_abis.int80],
  ["x32 calls that pass", ({ surface }) => surface && String(surface.x32)],
  ["getpid by x32, tried inside", ({ live }) => live?.foreign_abis.x32],
  ["namespaces: clone passes with", ({ surface }) => surface && list(surface.cloneNamespaces)],
  ["namespaces: unshare passes with", ({ surface }) => surface && list(surface.unshareNamespaces)],
  ["namespaces made by unshare, tried inside", ({ live }) => live && list(madeNamespaces(live))],
  ["clone3, tried inside", ({ live }) => live?.clone3],
  ["ioctl TIOCSTI passes", ({ surface }) => surface && yesOrNo(surface.tiocsti)],
  ["personalities that pass", ({ surface }) => surface && list(surface.personalities)],
  ["socket families that pass, of 46", ({ surface }) => surface && families(surface.families)],
  ["socket families made, tried inside", ({ live }) => live && families(madeFamilies(live))],
];

export function toMarkdown(measured: Measured): string {
  const columns = columnsOf(measured);
  const lines = [
    ["", ...columns.map(({ title }) => title)],
    ["---", ...columns.map(() => "---")],
    ...ROWS.map(([label, cell]) => [label, ...columns.map((column) => cell(column) ?? "-")]),
  ];
  return [
    machineOf(measured),
    lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n"),
    ...notesOf(measured),
  ].join("\n\n");
}

function columnsOf({ glovebox, peers }: Measured): Column[] {
  // Every process of the sandbox is bound by the same programs; the widest would show otherwise.
  const widest = glovebox.surfaces.reduce((a, b) => (b.native.length > a.native.length ? b : a));
  const own = { title: "Glovebox", surface: widest, live: glovebox.live };
  if (peers === undefined) return [own];
  return [
    own,
    { title: "Docker, default", ...peers.docker },
    { title: "Docker, hardened", ...peers.dockerHardened },
    { title: "gVisor: guest to Sentry", live: peers.gvisor.live },
    { title: "gVisor: Sentry to host", surface: peers.gvisor.surface },
  ];
}

function machineOf({ table, peers }: Measured): string {
  const cpu = os.cpus()[0]?.model.trim() ?? "unknown";
  const versions = Object.entries(peers?.versions ?? {}).map((entry) => entry.join(" "));
  return [
    `${cpu}, Linux ${os.release()}; a table of ${Object.keys(table).length} native calls.`,
    ...(versions.length === 0 ? [] : [`Debian's ${versions.join(", ")}.`]),
  ].join(" ");
}

function notesOf(measured: Measured): string[] {
  const notes = columnsOf(measured).flatMap(({ title, surface, live }) => {
    if (surface === undefined || live === undefined) return [];
    const answered = new Set(answeredCalls(live));
    const silent = surface.native.filter((call) => !answered.has(call));
    return [
      `${title}: pass the filter and answered EPERM, ENOSYS or ENOTSUP only: ${list(silent)}.`,
    ];
  });
  if (measured.peers !== undefined) {
    const sizes = measured.peers.gvisor.stubs.map(({ native }) => native.length).join(", ");
    notes.push(`gVisor: calls that pass in the processes that run the guest's code: ${sizes}.`);
  }
  return notes;
}

function madeNamespaces(live: LiveAnswers): string[] {
  return Object.keys(live.namespaces).filter((name) => live.namespaces[name] === "ok");
}

/** All but the few that are named would be a long cell. */
function families(numbers: readonly number[]): string {
  if (numbers.length > 12) return String(numbers.length);
  return `${numbers.length}: ${list(numbers.map((family) => FAMILY_NAMES[family] ?? String(family)))}`;
}

function list(items: readonly string[]): string {
  return items.length === 0 ? "none" : items.join(", ");
}

function yesOrNo(value: boolean): string {
  return value ? "yes" : "no";
}

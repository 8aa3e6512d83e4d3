/**
 * The rules of the code base that a compiler does not know: which area may import which, who reads
 * the environment, and that tables in the code and tables in the documentation say the same.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "..");
const serverSource = join(repositoryRoot, "packages/server/src");

/**
 * What each area may import besides itself. The areas stand in the order of the layers; a folder
 * that is missing here fails the suite, so a new area has to state its place.
 */
const allowedImports: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  version: [],
  mime: [],
  "described-bundle": ["mime"],
  config: ["errors"],
  access: ["errors", "config"],
  audit: ["errors", "config"],
  sandbox: ["errors", "config"],
  pool: ["errors", "config", "sandbox"],
  sessions: ["errors", "mime", "described-bundle", "config", "sandbox", "pool"],
  security: ["errors", "config", "sandbox", "pool", "sessions"],
  generate: ["errors", "mime", "config", "sandbox", "pool", "sessions"],
  desk: ["errors", "config", "access", "audit", "sandbox", "sessions", "security", "generate"],
  compat: ["errors", "config", "sandbox", "sessions", "desk"],
  gateway: [
    "errors",
    "mime",
    "config",
    "access",
    "audit",
    "sandbox",
    "sessions",
    "security",
    "generate",
    "desk",
    "compat",
  ],
  main: [
    "errors",
    "version",
    "config",
    "access",
    "audit",
    "sandbox",
    "pool",
    "sessions",
    "security",
    "generate",
    "desk",
    "gateway",
  ],
  cli: ["errors", "version", "mime", "described-bundle", "config", "audit", "sandbox", "main"],
};

/** What each room of the sandboxes may import of the others. A new driver is a new row. */
const sandboxRooms: Readonly<Record<string, readonly string[]>> = {
  guest: ["interface"],
  native: ["interface", "guest"],
  interface: ["guest"],
  drivers: ["interface", "native"],
};

/** A file at the top belongs to the interface, but for the one that names the drivers. */
function sandboxRoomOf(path: string): string {
  const [, first = "", second] = path.split("/");
  if (second !== undefined) return first;
  return /^drivers\.(ts|js)$/.test(first) ? "drivers" : "interface";
}

interface SourceFile {
  /** Relative to the source directory, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const importPattern = /(?:\bfrom\s*|\bimport\s*\(?\s*)["'](\.{1,2}\/[^"']+)["']/g;

function readSourceFiles(): SourceFile[] {
  return readdirSync(serverSource, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !/\.test(-support)?\.ts$/.test(name))
    .map((name) => {
      const absolute = join(serverSource, name);
      const text = readFileSync(absolute, "utf8");
      const imports = [...text.matchAll(importPattern)].map((match) =>
        toSlashes(relative(serverSource, join(dirname(absolute), match[1] ?? ""))),
      );
      return { path: toSlashes(name), text, imports };
    });
}

function toSlashes(path: string): string {
  return path.split(sep).join("/");
}

/** The first folder, or the file's own name where it lies at the top. */
function areaOf(path: string): string {
  return (path.split("/")[0] ?? path).replace(/\.(ts|js)$/, "");
}

function readDocument(name: string): string {
  return readFileSync(join(repositoryRoot, "docs", name), "utf8");
}

const sources = readSourceFiles();

describe("imports", () => {
  test("there is source to look at", () => {
    expect(sources.length).toBeGreaterThan(5);
  });

  test("every area has its place in the layers", () => {
    const areas = new Set(sources.map((source) => areaOf(source.path)));
    expect([...areas].filter((area) => !(area in allowedImports))).toEqual([]);
  });

  test("imports go one way", () => {
    const wrong = sources.flatMap((source) => {
      const area = areaOf(source.path);
      const allowed = new Set([area, ...(allowedImports[area] ?? [])]);
      return source.imports
        .filter((target) => !allowed.has(areaOf(target)))
        .map((target) => `${source.path} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  test("there are no circles, of types neither", () => {
    const importsOf = new Map(
      sources.map(({ path, imports }) => [
        path,
        imports.map((target) => target.replace(/\.js$/, ".ts")),
      ]),
    );
    const circles: string[] = [];
    const done = new Set<string>();
    const visit = (path: string, way: readonly string[]): void => {
      const since = way.indexOf(path);
      if (since >= 0) circles.push([...way.slice(since), path].join(" -> "));
      if (since >= 0 || done.has(path)) return;
      for (const target of importsOf.get(path) ?? []) visit(target, [...way, path]);
      done.add(path);
    };
    for (const path of importsOf.keys()) visit(path, []);
    expect(circles).toEqual([]);
  });

  test("nothing reaches out of the source directory", () => {
    const wrong = sources.flatMap((source) =>
      source.imports
        .filter((target) => target.startsWith(".."))
        .map((target) => `${source.path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  test("only commands that ask a server import the SDK", () => {
    const importers = sources.filter((source) => source.text.includes('from "@glovebox/sdk'));
    expect(importers.length).toBeGreaterThan(0);
    const paths = importers.map((source) => source.path);
    expect(paths.filter((path) => !path.startsWith("cli/commands/"))).toEqual([]);
  });

  test("drivers know the interface and the conversation with a guest, and not each other", () => {
    const wrong = sources
      .filter((source) => areaOf(source.path) === "sandbox")
      .flatMap((source) => {
        const room = sandboxRoomOf(source.path);
        const allowed = new Set([room, ...(sandboxRooms[room] ?? [])]);
        return source.imports
          .filter((target) => areaOf(target) === "sandbox" && !allowed.has(sandboxRoomOf(target)))
          .map((target) => `${source.path} imports ${target}`);
      });
    expect(wrong).toEqual([]);
  });
});

describe("habits", () => {
  test("only config.ts reads the environment", () => {
    const readers = sources
      .filter((source) => /\bprocess\s*\.\s*env\b|\bprocess\[["']env["']\]/.test(source.text))
      .map((source) => source.path);
    expect(readers.filter((path) => path !== "config.ts")).toEqual([]);
  });

  test("the AI SDK is loaded in one place, and only when it is needed", () => {
    const static_ = /^import\s(?!type\b)[^;]*\bfrom\s*["'](?:ai|@ai-sdk\/[^"']+)["']/m;
    const dynamic = /\bimport\(\s*["'](?:ai|@ai-sdk\/[^"']+)["']\s*\)/;
    expect(sources.filter(({ text }) => static_.test(text)).map(({ path }) => path)).toEqual([]);
    const loaders = sources.filter(({ text }) => dynamic.test(text)).map(({ path }) => path);
    expect(loaders).toEqual(["generate/model.ts"]);
  });

  test("whatever works for a client learns when it goes", () => {
    const working = /\bsessions\.(?:start|withSession|install)\(|\blog\.follow\(/;
    const listening = /\bvisit\.onGone\(|\bgoneSignal\(/;
    const workers = sources.filter(
      ({ path, text }) => /^(?:desk|gateway)\//.test(path) && working.test(text),
    );
    expect(workers.length).toBeGreaterThan(4);
    const deaf = workers.filter(
      ({ imports, text }) =>
        !imports.includes("gateway/http/client-gone.js") && !listening.test(text),
    );
    expect(deaf.map(({ path }) => path)).toEqual([]);
  });

  test("doors ask the desk, and neither sessions nor what admits and records", () => {
    const doors = sources.filter(({ path }) => path.startsWith("gateway/routes/"));
    expect(doors.length).toBeGreaterThan(10);
    const behind =
      /^(?:access|audit|pool)\/|^desk\/(?:admission|audit|limits|code-review|input-files)/;
    const classes = /^sessions\/(?:session|session-manager|execution)\.js$/;
    const wrong = doors.flatMap(({ path, imports }) =>
      imports
        .filter((target) => behind.test(target) || classes.test(target))
        .map((target) => `${path} imports ${target}`),
    );
    expect(wrong).toEqual([]);
    const acting = sources.filter(
      ({ path, text }) =>
        path.startsWith("gateway/") && /\bsessions\s*\.(?!status\()\w+\(/.test(text),
    );
    expect(acting.map(({ path }) => path)).toEqual([]);
  });

  test("the desk knows no door, and sees sessions by their interface", () => {
    const desk = sources.filter(({ path }) => path.startsWith("desk/"));
    expect(desk.length).toBeGreaterThan(5);
    const doors = /from "(?:fastify|@fastify\/[^"]+|node:(?:http|https|http2|net))"/;
    expect(desk.filter(({ text }) => doors.test(text)).map(({ path }) => path)).toEqual([]);
    const classes = /^sessions\/(?:session|session-manager|execution)\.js$/;
    expect(desk.filter(({ imports }) => imports.some((one) => classes.test(one)))).toEqual([]);
  });

  test("only what is admitted starts code", () => {
    const makers = sources.filter(({ text }) => /\bas AdmittedVisit\b/.test(text));
    expect(makers.map(({ path }) => path)).toEqual(["desk/admission.ts"]);
    const starting = /\b(?:sessions?|session)\.(?:start|install)\(/;
    const starters = sources.filter(
      ({ path, text }) => path.startsWith("desk/") && starting.test(text),
    );
    expect(starters.length).toBeGreaterThan(2);
    const unrecorded = starters.filter(({ imports }) => !imports.includes("desk/audited-run.js"));
    expect(unrecorded.map(({ path }) => path)).toEqual([]);
  });

  test("no route reads JSON past the bounds of bodies", () => {
    const parsers = sources.filter(({ text }) => text.includes("addContentTypeParser"));
    // An upload is passed on as it comes.
    expect(parsers.map(({ path }) => path).sort()).toEqual([
      "gateway/http/json-bodies.ts",
      "gateway/routes/files.ts",
    ]);
  });

  test("there are no default exports and no wildcard exports", () => {
    const offenders = sources
      .filter((source) => /^export\s+(default\b|\*\s+from)/m.test(source.text))
      .map((source) => source.path);
    expect(offenders).toEqual([]);
  });
});

interface ErrorEntry {
  readonly status: number;
  readonly retryable: boolean;
  readonly message: string;
  readonly hint?: string;
}

async function importServerModule(name: string): Promise<Record<string, unknown>> {
  return (await import(join(serverSource, name))) as Record<string, unknown>;
}

describe("documentation", () => {
  test("docs/errors.md and the error table name the same codes in the same order", async () => {
    const { errorTable } = await importServerModule("errors.ts");
    const table = errorTable as Readonly<Record<string, ErrorEntry>>;
    const documented = tableKeys(readDocument("errors.md"), /^[A-Z][A-Z_]+$/);
    expect(documented).toEqual(Object.keys(table));
  });

  test("docs/errors.md states the status of each code", async () => {
    const { errorTable } = await importServerModule("errors.ts");
    const lines = readDocument("errors.md").split("\n");
    for (const [code, entry] of Object.entries(errorTable as Record<string, ErrorEntry>)) {
      const row = lines.find((line) => line.startsWith("|") && line.includes(`\`${code}\``));
      expect(row, code).toContain(String(entry.status));
    }
  });

  test("every entry of the error table is complete", async () => {
    const { errorTable } = await importServerModule("errors.ts");
    for (const [code, entry] of Object.entries(errorTable as Record<string, ErrorEntry>)) {
      expect(code).toMatch(/^[A-Z][A-Z_]+$/);
      expect(entry.status, code).toBeGreaterThanOrEqual(400);
      expect(entry.status, code).toBeLessThan(600);
      expect(typeof entry.retryable, code).toBe("boolean");
      expect(entry.message.length, code).toBeGreaterThan(5);
    }
  });
});

test("docs/models.md and the rules of validation say the same", async () => {
  const { validationRules } = await importServerModule("config/model-settings.ts");
  const rules = validationRules as Readonly<Record<string, { readonly action: string }>>;
  const page = readDocument("models.md");
  for (const [rule, { action }] of Object.entries(rules)) {
    expect(page, rule).toMatch(new RegExp(`^\\| \`${rule}\`\\s*\\| ${action}\\s*\\|`, "m"));
  }
});

/** The keys of a documentation table: the backquoted name that begins each row. */
function tableKeys(markdown: string, pattern: RegExp): string[] {
  const keys = [...markdown.matchAll(/^\|\s*`([^`]+)`/gm)].map((match) => match[1] ?? "");
  return [...new Set(keys.filter((key) => pattern.test(key)))];
}

describe("policy", () => {
  const policy: unknown = JSON.parse(
    readFileSync(
      join(repositoryRoot, "packages/server/guest/_glovebox/policy/seccomp.json"),
      "utf8",
    ),
  );

  /** A rule is an object that names system calls, wherever it stands in the file. */
  function collectRules(value: unknown): Record<string, unknown>[] {
    if (Array.isArray(value)) {
      return value.flatMap(collectRules);
    }
    if (typeof value !== "object" || value === null) {
      return [];
    }
    const entry = value as Record<string, unknown>;
    const nested = Object.values(entry).flatMap(collectRules);
    const isRule = ["names", "name", "syscalls", "syscall"].some(
      (key) => typeof entry[key] === "string" || isListOfNames(entry[key]),
    );
    return isRule ? [entry, ...nested] : nested;
  }

  function isListOfNames(value: unknown): boolean {
    return (
      Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === "string")
    );
  }

  function namesOf(rule: Record<string, unknown>): string[] {
    return ["names", "name", "syscalls", "syscall"].flatMap((key) => {
      const value = rule[key];
      return typeof value === "string" ? [value] : isListOfNames(value) ? (value as string[]) : [];
    });
  }

  const rules = collectRules(policy);

  test("every seccomp rule has a reason", () => {
    expect(rules.length).toBeGreaterThan(10);
    const withoutReason = rules.filter((rule) => {
      const reason = rule.reason ?? rule.comment;
      return typeof reason !== "string" || reason.trim().length < 10;
    });
    expect(withoutReason).toEqual([]);
  });

  test("the allow-list stays within the promised size", () => {
    const names = new Set(rules.filter((rule) => !("action" in rule)).flatMap(namesOf));
    expect(names.size).toBeGreaterThan(80);
    expect(names.size).toBeLessThanOrEqual(170);
  });

  test("the calls that no guest may have are not allowed", () => {
    const forbidden = [
      "bpf",
      "io_uring_setup",
      "userfaultfd",
      "perf_event_open",
      "keyctl",
      "add_key",
      "request_key",
      "ptrace",
      "process_vm_readv",
      "process_vm_writev",
      "pidfd_getfd",
      "open_by_handle_at",
      "init_module",
      "finit_module",
      "kexec_load",
      "mount",
      "umount2",
      "pivot_root",
      "fsopen",
      "move_mount",
      "open_tree",
      "setns",
      "unshare",
      "clock_settime",
      "settimeofday",
      "chroot",
      "mknod",
    ];
    const allowed = new Set(rules.flatMap(namesOf));
    expect(forbidden.filter((name) => allowed.has(name))).toEqual([]);
  });
});

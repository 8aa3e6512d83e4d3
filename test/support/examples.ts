/**
 * The TypeScript examples of a document, as programs: written where the packages' names resolve,
 * checked by the compiler, run with what they need in the environment.
 */
import { type ExecFileException, execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "../..");
const RUN_MS_MAX = 45_000;

export interface Example {
  /** The heading above it, and its number below that. */
  readonly name: string;
  readonly code: string;
  /** Of the block of text that follows it, if one does. */
  readonly output: string | undefined;
}

const FENCE = /^(<!-- not run: [^\n]*-->\n\n)?```(\w+)\n([\s\S]*?)^```$/gm;

/** All blocks of TypeScript but those under a comment that says why they are not run. */
export function readExamples(document: string): Example[] {
  const text = readFileSync(join(repositoryRoot, "docs", document), "utf8");
  const blocks = [...text.matchAll(FENCE)].map((match) => ({
    skipped: match[1] !== undefined,
    language: match[2],
    content: match[3] ?? "",
    start: match.index,
    end: match.index + match[0].length,
  }));
  const counts = new Map<string, number>();
  return blocks.flatMap((block, index) => {
    if (block.language !== "ts" || block.skipped) return [];
    const heading = /^#+ (.*)$(?![\s\S]*^#+ )/m.exec(text.slice(0, block.start))?.[1] ?? document;
    const count = (counts.get(heading) ?? 0) + 1;
    counts.set(heading, count);
    const next = blocks[index + 1];
    const follows = next?.language === "text" && text.slice(block.end, next.start).trim() === "";
    return [
      {
        name: `${heading} ${count}`,
        code: block.content,
        output: follows ? next.content : undefined,
      },
    ];
  });
}

export interface ExamplePrograms {
  /** What the compiler says to all of them; empty when it is content. */
  check(): Promise<string>;
  /** What a program prints. Rejects, with what it printed, unless it ends with 0. */
  run(example: Example, env: Readonly<Record<string, string>>): Promise<string>;
  remove(): void;
}

export function writeExamples(examples: readonly Example[]): ExamplePrograms {
  const home = join(repositoryRoot, "packages/sdk/dist");
  mkdirSync(home, { recursive: true });
  const directory = mkdtempSync(join(home, "examples-"));
  const fileOf = (example: Example) => join(directory, `${examples.indexOf(example)}.ts`);
  for (const example of examples) writeFileSync(fileOf(example), example.code);
  const tsconfig = {
    extends: join(repositoryRoot, "tsconfig.base.json"),
    compilerOptions: { noEmit: true, composite: false },
    include: ["*.ts"],
  };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(tsconfig));
  writeFileSync(join(directory, "package.json"), '{"type":"module"}');
  const workingDirectory = mkdtempSync(join(tmpdir(), "glovebox-examples-"));
  return {
    check: async () => {
      const { output } = await start(tool("tsc"), ["-p", directory], workingDirectory, {});
      return output;
    },
    run: async (example, env) => {
      const { output, failed } = await start(tool("tsx"), [fileOf(example)], workingDirectory, env);
      if (failed) throw new Error(`the example "${example.name}" failed:\n${output}`);
      return output;
    },
    remove: () => {
      for (const path of [directory, workingDirectory])
        rmSync(path, { recursive: true, force: true });
    },
  };
}

function tool(name: string): string {
  return join(repositoryRoot, "node_modules/.bin", name);
}

function start(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): Promise<{ output: string; failed: boolean }> {
  const { PATH, HOME } = process.env;
  const options = {
    cwd,
    env: { PATH: PATH ?? "", HOME: HOME ?? "/", ...env },
    timeout: RUN_MS_MAX,
  };
  return new Promise((resolve) => {
    execFile(program, args, options, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ output: stdout + stderr, failed: error !== null });
    });
  });
}

/**
 * The examples of a document, TypeScript's as programs: written where the packages' names resolve,
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

/** A heading, or a block with its language and content; what looks like a heading in a block is none. */
const HEADING_OR_BLOCK =
  /^#+ (?<heading>.*)$|^(?<skip><!-- not run: [^\n]*-->\n\n)?```(?<language>\w+)\n(?<content>[\s\S]*?)^```$/gm;

/** All blocks of a language but those under a comment that says why they are not run. */
export function readExamples(document: string, language = "ts"): Example[] {
  const text = readFileSync(join(repositoryRoot, "docs", document), "utf8");
  const examples: Example[] = [];
  let heading = document;
  let number = 0;
  const parts = [...text.matchAll(HEADING_OR_BLOCK)];
  for (const [index, part] of parts.entries()) {
    const groups = part.groups ?? {};
    if (groups.heading !== undefined) {
      heading = groups.heading;
      number = 0;
    }
    if (groups.language !== language || groups.skip !== undefined) continue;
    number++;
    const next = parts[index + 1];
    const between = text.slice(part.index + part[0].length, next?.index);
    const output =
      next?.groups?.language === "text" && between.trim() === "" ? next.groups.content : undefined;
    examples.push({ name: `${heading} ${number}`, code: groups.content ?? "", output });
  }
  return examples;
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

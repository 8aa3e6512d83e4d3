/** What a model is told about the sandbox: packages, files with short schemas, variables. Bounded. */

import { type Static, Type } from "typebox";
import { Compile } from "typebox/compile";
import { type CodeRunner, throwUnlessSilent } from "./code-runner.js";

const Text = (maxLength: number) => Type.String({ maxLength });

const Probe = Type.Object({
  packages: Type.Array(Text(200), { maxItems: 200 }),
  variables: Type.Array(Type.Object({ name: Text(80), type: Text(80), about: Text(160) }), {
    maxItems: 100,
  }),
  variables_total: Type.Integer({ minimum: 0 }),
  files: Type.Array(
    Type.Object({
      path: Text(400),
      size: Type.Integer({ minimum: 0 }),
      schema: Type.Optional(Text(640)),
    }),
    { maxItems: 100 },
  ),
  files_truncated: Type.Boolean(),
});
type Probe = Static<typeof Probe>;
const isProbe = Compile(Probe);

/** About four characters are a token, so this is some 4000 tokens. */
const CONTEXT_CHARACTERS_MAX = 16_000;
const UNKNOWN = "(The sandbox did not say what is in it.)";

/** What a new sandbox holds changes only with folders that are shared, and looking costs a fork. */
const NEW_SANDBOX_KEPT_MS = 60_000;

/** Remembers what new sandboxes hold: packages, and the files of folders that all of them see. */
export class ContextReader {
  #ofNew: { readonly text: string; readonly until: number } | undefined;

  /** Text to be marked as data. A session that does not answer costs the context, not the request. */
  async describe(runner: CodeRunner): Promise<string> {
    if (!runner.isNew) return (await look(runner, true)) ?? UNKNOWN;
    const known = this.#ofNew;
    if (known && performance.now() < known.until) return known.text;
    const text = await look(runner, true);
    if (text === undefined) return UNKNOWN;
    this.#ofNew = { text, until: performance.now() + NEW_SANDBOX_KEPT_MS };
    return text;
  }

  /** After a run: all but the packages, which have been told. */
  async describeAgain(runner: CodeRunner): Promise<string> {
    return (await look(runner, false)) ?? UNKNOWN;
  }
}

async function look(runner: CodeRunner, packages: boolean): Promise<string | undefined> {
  let answer: unknown;
  try {
    answer = await runner.examine("context_probe", { packages }, true);
  } catch (error) {
    throwUnlessSilent(error);
    return undefined;
  }
  return isProbe.Check(answer) ? cut(format(answer)) : undefined;
}

function format(probe: Probe): string {
  const { packages, files, variables } = probe;
  const parts: string[] = [];
  if (packages.length > 0) {
    parts.push(`Packages besides Python's own: ${packages.map(oneLine).join(", ")}.`);
  }
  parts.push(files.length === 0 ? "Files in /workspace: none." : "Files (relative to /workspace):");
  for (const { path, size, schema } of files) {
    const about = schema === undefined ? "" : ` - ${oneLine(schema)}`;
    parts.push(`- ${JSON.stringify(path)}, ${size} bytes${about}`);
  }
  if (probe.files_truncated) parts.push("- and more");
  parts.push(variables.length === 0 ? "Variables: none." : "Variables:");
  for (const { name, type, about } of variables) {
    parts.push(`- ${oneLine(name)}: ${oneLine(type)}${about === "" ? "" : `, ${oneLine(about)}`}`);
  }
  const more = probe.variables_total - variables.length;
  if (more > 0) parts.push(`- and ${more} more`);
  return parts.join("\n");
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}

function cut(text: string): string {
  return text.length <= CONTEXT_CHARACTERS_MAX
    ? text
    : `${text.slice(0, CONTEXT_CHARACTERS_MAX)}\n(cut)`;
}

/** What a model may do in a chat: the tools, as it is told of them, and the check of what it fills in. */

import { type Static, type TSchema, Type } from "typebox";
import { Compile } from "typebox/compile";

const NAME_CHARACTERS_MAX = 64;
const closed = { additionalProperties: false } as const;
const Path = (description: string) => Type.String({ minLength: 1, maxLength: 4096, description });

const RunCode = Type.Object(
  {
    code: Type.String({ description: "Python source. IPython's syntax works." }),
    timeout: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        description: "Seconds after which the code is stopped, if it should be fewer than usual.",
      }),
    ),
  },
  closed,
);
const ListFiles = Type.Object(
  {
    path: Type.Optional(Path("A folder, relative to the working directory; absent: that itself.")),
  },
  closed,
);
const ReadFile = Type.Object({ path: Path("Relative to the working directory.") }, closed);
const WriteFile = Type.Object(
  {
    path: Path("Relative to the working directory; missing folders are made."),
    content: Type.String({ description: "The whole text. A file that is there is replaced." }),
  },
  closed,
);
const ShowVariables = Type.Object({}, closed);

interface Tool<Schema extends TSchema> {
  readonly description: string;
  readonly parameters: Schema;
}

function tool<Schema extends TSchema>(description: string, parameters: Schema): Tool<Schema> {
  return { description, parameters };
}

export const chatTools = {
  run_code: tool(
    "Runs Python in a sandbox and returns what it printed, the value of its last expression and the files it " +
      "made. NumPy, pandas, SciPy, scikit-learn and matplotlib are there; the network is not. Variables and " +
      "files in the working directory are kept for the next call. Figures are shown to the user.",
    RunCode,
  ),
  list_files: tool(
    "Lists the files of the sandbox's working directory, or of a folder in it.",
    ListFiles,
  ),
  read_file: tool(
    "Returns the text of a file in the sandbox's working directory, the beginning of a long one.",
    ReadFile,
  ),
  write_file: tool("Writes a text file in the sandbox's working directory.", WriteFile),
  show_variables: tool(
    "Lists the variables of the sandbox's Python session with types, shapes and short previews.",
    ShowVariables,
  ),
} as const;

export type ToolName = keyof typeof chatTools;

/** A call that was understood. */
export type ToolCall = {
  [Name in ToolName]: {
    readonly name: Name;
    readonly input: Static<(typeof chatTools)[Name]["parameters"]>;
  };
}[ToolName];

export const toolDefinitions = Object.entries(chatTools).map(
  ([name, { description, parameters }]) => ({ name, description, parameters }),
);

const checks = Object.fromEntries(
  Object.entries(chatTools).map(([name, { parameters }]) => [name, Compile(parameters)] as const),
);

/** Told by itself: an object may have any number of fields, and a check of all of them takes its time. */
function unknownArgument(name: ToolName, input: unknown): string | undefined {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return undefined;
  const { properties } = chatTools[name].parameters;
  return Object.keys(input).find((argument) => !Object.hasOwn(properties, argument));
}

/** What the model called, or a sentence for it about what is wrong with that. */
export function readCall(name: string, input: unknown): ToolCall | string {
  const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
  if (!check) {
    return `There is no tool of this name. There are: ${Object.keys(chatTools).join(", ")}.`;
  }
  if (check.Check(input)) return { name, input } as ToolCall;
  const unknown = unknownArgument(name as ToolName, input);
  if (unknown !== undefined) {
    return `The arguments do not fit: there is no ${unknown.slice(0, NAME_CHARACTERS_MAX)}.`;
  }
  const [first] = check.Errors(input);
  const where = first?.instancePath.replace(/^\//, "") || "the arguments";
  return `The arguments do not fit: ${where} ${first?.message ?? "is not valid"}.`;
}

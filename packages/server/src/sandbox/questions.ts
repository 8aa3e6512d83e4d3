/**
 * What can be asked of a kernel between two executions, and what it may answer. In the names of the
 * protocol, see docs/guest-protocol.md. May import errors and config.
 */

import { type Static, Type } from "typebox";
import { recordOf } from "./records.js";

const Closed = { additionalProperties: false } as const;
const Size = Type.Integer({ minimum: 0 });
const ShortText = Type.String({ maxLength: 1024 });
const shortText = (description: string) => Type.String({ maxLength: 1024, description });
const position = (description: string) =>
  Type.Integer({ minimum: 0, maximum: 0x7fffffff, description });
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(
  schema: T,
  description: string,
) => Type.Union([schema, Type.Null()], { description });

const Variable = Type.Object(
  {
    name: shortText("The variable's name."),
    type: shortText("Name of the type."),
    module: shortText(
      "Where the type is defined; of a class or a function, where it is defined itself; empty where nobody knows.",
    ),
    shape: orNull(
      Type.Array(Size, { maxItems: 64 }),
      "Of an array, a DataFrame, a Series or an Index, else null.",
    ),
    length: orNull(
      Size,
      "Of a container; rows of a DataFrame, first dimension of an array; else null.",
    ),
    dtype: orNull(ShortText, "Of an array, a Series or an Index, else null."),
    size_bytes: orNull(
      Size,
      "Bytes of the object alone, not of what it refers to: array data, or what `sys.getsizeof` says; null where nobody can say.",
    ),
    preview: shortText("What it holds, in 120 characters at most."),
  },
  { ...Closed, title: "Variable", description: "A variable." },
);

/** By message type. The reader bounds the message as a whole. */
export const answerSchemas = {
  complete_reply: Type.Object(
    {
      matches: Type.Array(ShortText, {
        maxItems: 1000,
        description: "Each replaces the code from `cursor_start` to `cursor_end`. At most 500.",
      }),
      cursor_start: position("In code points, from 0."),
      cursor_end: position("In code points, from 0."),
      types: Type.Array(ShortText, {
        maxItems: 1000,
        description: "Of each match, such as `function`, `module`, `keyword` or `path`.",
      }),
    },
    Closed,
  ),
  inspect_reply: Type.Object(
    {
      found: Type.Boolean({ description: "Whether there is such an object." }),
      data: recordOf(Type.String({ maxLength: 131_072 }), {
        maxProperties: 10,
        propertyNames: ShortText,
        description: "Its description as `text/plain`, cut at 65536 characters.",
      }),
      metadata: Type.Object({}, { ...Closed, description: "Empty, as yet." }),
    },
    Closed,
  ),
  is_complete_reply: Type.Object(
    {
      status: Type.Union(
        [
          Type.Literal("complete"),
          Type.Literal("incomplete"),
          Type.Literal("invalid"),
          Type.Literal("unknown"),
        ],
        { description: "Whether the code could run as it is." },
      ),
      indent: shortText("Of incomplete code: the spaces with which the next line begins."),
    },
    Closed,
  ),
  variables_reply: Type.Object(
    {
      variables: Type.Array(Variable, { maxItems: 2000, description: "In their order." }),
      total: Type.Integer({ minimum: 0, description: "How many there are." }),
      truncated: Type.Boolean({ description: "Whether there are more than the list has." }),
    },
    Closed,
  ),
  /** The sender of the script knows what it should answer, and checks it. */
  script_reply: Type.Object({ answer: Type.Unknown() }, Closed),
  question_failed: Type.Object(
    {
      reason: Type.Union([Type.Literal("timeout"), Type.Literal("ended"), Type.Literal("failed")]),
      detail: ShortText,
    },
    Closed,
  ),
} as const;

/** What each question says, by its name. */
export interface QuestionContents {
  readonly complete: { readonly code: string; readonly cursor_pos: number };
  readonly inspect: {
    readonly code: string;
    readonly cursor_pos: number;
    readonly detail_level: 0 | 1;
  };
  readonly is_complete: { readonly code: string };
  readonly variables: { readonly limit: number };
  /** Python source that defines `main`, which gets `content` and returns what JSON can say. */
  readonly script: {
    readonly source: string;
    readonly content: Readonly<Record<string, unknown>>;
    /** In a fork, for a script that looks at what user code has made or that may take long. */
    readonly apart: boolean;
  };
}

export type QuestionName = keyof QuestionContents;
export interface KernelQuestion<Name extends QuestionName = QuestionName> {
  readonly name: Name;
  readonly content: QuestionContents[Name];
}
export type KernelAnswer<Name extends QuestionName = QuestionName> = Static<
  (typeof answerSchemas)[`${Name}_reply`]
>;
export type AnswerType = keyof typeof answerSchemas;

/** How many variables one answer can hold. */
export const VARIABLES_MAX = 2000;

/**
 * What can be asked of a kernel between two executions, and what it may answer. In the names of the
 * protocol, see docs/guest-protocol.md. May import errors and config.
 */

import { type Static, Type } from "typebox";

const Closed = { additionalProperties: false } as const;
const Position = Type.Integer({ minimum: 0, maximum: 0x7fffffff });
const Size = Type.Integer({ minimum: 0 });
const ShortText = Type.String({ maxLength: 1024 });
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

const Variable = Type.Object(
  {
    name: ShortText,
    type: ShortText,
    module: ShortText,
    shape: orNull(Type.Array(Size, { maxItems: 64 })),
    length: orNull(Size),
    dtype: orNull(ShortText),
    size_bytes: orNull(Size),
    preview: ShortText,
  },
  Closed,
);

/** By message type. The reader bounds the message as a whole. */
export const answerSchemas = {
  complete_reply: Type.Object(
    {
      matches: Type.Array(ShortText, { maxItems: 1000 }),
      cursor_start: Position,
      cursor_end: Position,
      types: Type.Array(ShortText, { maxItems: 1000 }),
    },
    Closed,
  ),
  inspect_reply: Type.Object(
    {
      found: Type.Boolean(),
      data: Type.Record(ShortText, Type.String({ maxLength: 131_072 }), { maxProperties: 10 }),
      metadata: Type.Object({}, Closed),
    },
    Closed,
  ),
  is_complete_reply: Type.Object(
    {
      status: Type.Union([
        Type.Literal("complete"),
        Type.Literal("incomplete"),
        Type.Literal("invalid"),
        Type.Literal("unknown"),
      ]),
      indent: ShortText,
    },
    Closed,
  ),
  variables_reply: Type.Object(
    {
      variables: Type.Array(Variable, { maxItems: 2000 }),
      total: Size,
      truncated: Type.Boolean(),
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

/** What a field on the wire means is said in its schema, and nowhere else: tables in docs/ are printed from there. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TSchema } from "typebox";
import { describe, expect, test } from "vitest";
import { BatchBody, BatchItemResult } from "../packages/server/src/gateway/schemas/batch.ts";
import { ChatAnswer, ChatBody } from "../packages/server/src/gateway/schemas/chat.ts";
import { ExecuteAnswer, ExecuteBody } from "../packages/server/src/gateway/schemas/execute.ts";
import { ExecutionAnswer } from "../packages/server/src/gateway/schemas/executions.ts";
import { ListAnswer } from "../packages/server/src/gateway/schemas/files.ts";
import { GenerateBody, GenerateFields } from "../packages/server/src/gateway/schemas/generate.ts";
import { VariablesAnswer } from "../packages/server/src/gateway/schemas/interact.ts";
import { CreatedKeyAnswer, CreateKeyBody } from "../packages/server/src/gateway/schemas/keys.ts";
import { NotebookAnswer, NotebookBody } from "../packages/server/src/gateway/schemas/notebook.ts";
import { StatusAnswer } from "../packages/server/src/gateway/schemas/operate.ts";
import { PanicAnswer } from "../packages/server/src/gateway/schemas/security.ts";
import {
  CreateSessionBody,
  SessionAnswer,
} from "../packages/server/src/gateway/schemas/sessions.ts";
import { ValidationAnswer } from "../packages/server/src/gateway/schemas/validation.ts";
import { expectPrinted, printTable } from "./support/printed.ts";
import {
  type FieldSchema,
  fieldRows,
  fieldsOf,
  meaningOf,
  pagesIn,
} from "./support/wire-fields.ts";

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "..");
const schemaFolder = join(repositoryRoot, "packages/server/src/gateway/schemas");

const isSchema = (value: unknown): value is FieldSchema =>
  typeof value === "object" && value !== null && "~kind" in value;

/** What a module exports of schemas; a plain map of fields counts as an object of them. */
function schemaIn(value: unknown): FieldSchema | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (isSchema(value)) return value;
  const properties = value as Record<string, FieldSchema>;
  return Object.values(properties).every(isSchema) ? { properties } : undefined;
}

/** By file and name. */
const schemas = new Map<string, FieldSchema>();
for (const file of readdirSync(schemaFolder)) {
  const module = (await import(join(schemaFolder, file))) as Record<string, unknown>;
  for (const [name, value] of Object.entries(module)) {
    const schema = schemaIn(value);
    if (schema) schemas.set(`${file}: ${name}`, schema);
  }
}

describe("every field", () => {
  const fields = [...schemas].flatMap(([name, schema]) =>
    [...fieldsOf(schema)].map((field) => ({ ...field, name: `${name}.${field.name}` })),
  );

  test("is described", () => {
    expect(fields.length).toBeGreaterThan(300);
    const mute = fields.filter(({ schema }) => (meaningOf(schema)?.length ?? 0) < 3);
    expect(mute.map(({ name }) => name)).toEqual([]);
  });

  test("is described in sentences that end", () => {
    const open = fields.filter(({ schema }) => !/[.:]$/.test(meaningOf(schema) ?? ""));
    expect(open.map(({ name }) => name)).toEqual([]);
  });

  test("refers to pages and headings that are there", () => {
    const pages = fields.flatMap(({ schema }) => pagesIn(meaningOf(schema) ?? ""));
    expect(pages.length).toBeGreaterThan(5);
    for (const { page, anchor } of pages) {
      const headings = readFileSync(join(repositoryRoot, page), "utf8").match(/^#+ .*/gm) ?? [];
      if (anchor) expect(headings.map(toAnchor), page).toContain(anchor);
    }
  });
});

function toAnchor(heading: string): string {
  const words = heading.replace(/^#+ /, "").toLowerCase();
  return words.replace(/[^\w\s-]/g, "").replaceAll(" ", "-");
}

const generated = { properties: GenerateFields, required: Object.keys(GenerateFields) };

interface Table {
  readonly page: string;
  readonly of: "request" | "answer";
  readonly schema: TSchema | typeof generated;
  /** Fields whose parts another table tells. */
  readonly whole?: readonly string[];
}

const tables: Readonly<Record<string, Table>> = {
  "POST /execute": { page: "docs/api.md", of: "request", schema: ExecuteBody },
  "the answer of POST /execute": {
    ...{ page: "docs/api.md", of: "answer", schema: ExecuteAnswer },
    whole: ["outputs", "validation"],
  },
  "POST /sessions": { page: "docs/api.md", of: "request", schema: CreateSessionBody },
  "a session": { page: "docs/api.md", of: "answer", schema: SessionAnswer },
  "GET /status": { page: "docs/api.md", of: "answer", schema: StatusAnswer },
  "POST /api/security/panic": { page: "docs/api.md", of: "answer", schema: PanicAnswer },
  "an execution": {
    ...{ page: "docs/executions.md", of: "answer", schema: ExecutionAnswer },
    whole: ["result"],
  },
  "a list of files": { page: "docs/files.md", of: "answer", schema: ListAnswer },
  "a variable": {
    page: "docs/executions.md",
    of: "answer",
    schema: VariablesAnswer.properties.variables.items,
  },
  "POST /sessions/{id}/notebook": {
    page: "docs/notebooks.md",
    of: "request",
    schema: NotebookBody,
  },
  "POST /execute/batch": { page: "docs/executions.md", of: "request", schema: BatchBody },
  "an item of a batch": {
    ...{ page: "docs/executions.md", of: "answer", schema: BatchItemResult },
    whole: ["result", "error"],
  },
  "a notebook that ran": {
    ...{ page: "docs/notebooks.md", of: "answer", schema: NotebookAnswer },
    whole: ["notebook"],
  },
  validation: { page: "docs/models.md", of: "answer", schema: ValidationAnswer },
  "POST /generate-and-execute": {
    ...{ page: "docs/models.md", of: "request", schema: GenerateBody },
    whole: ["files"],
  },
  "the answer of POST /generate-and-execute": {
    ...{ page: "docs/models.md", of: "answer", schema: generated },
    whole: ["validation"],
  },
  "POST /api/chat": {
    ...{ page: "docs/chat.md", of: "request", schema: ChatBody },
    whole: ["messages"],
  },
  "the answer of POST /api/chat": { page: "docs/chat.md", of: "answer", schema: ChatAnswer },
  "POST /api/keys": { page: "docs/access.md", of: "request", schema: CreateKeyBody },
  "a key": {
    ...{ page: "docs/access.md", of: "answer", schema: CreatedKeyAnswer },
    whole: ["quotas"],
  },
};

describe("the fields of", () => {
  test.each(Object.entries(tables))("%s are printed in its page", (name, table) => {
    const rows = fieldRows(table.page, table.of, table.schema as FieldSchema, table.whole);
    expect(rows.length).toBeGreaterThan(2);
    expectPrinted(table.page, `fields: ${name}`, printTable(rows));
  });
});

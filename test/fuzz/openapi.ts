/**
 * The running server's own description of its API as the source of requests, and as the judge of
 * answers: every answer has to be what the description says.
 */
import assert from "node:assert/strict";
import { Compile } from "typebox/schema";
import type { TestServer } from "../support/server.ts";

/** What of a JSON schema the generators understand. */
export interface Schema {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
}

interface MediaType {
  readonly schema?: Schema;
  /** One of the two, by how many there are. */
  readonly example?: unknown;
  readonly examples?: Readonly<Record<string, { readonly value: unknown }>>;
}
type Content = Readonly<Record<string, MediaType>>;

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

export interface Operation {
  readonly operationId?: string;
  readonly method: string;
  /** With names in braces. */
  readonly path: string;
  readonly parameters: readonly Parameter[];
  /** Of a JSON body, where there is one. */
  readonly body: Schema | undefined;
  /** The type of a body that is no JSON. */
  readonly uploads: string | undefined;
  /** Bodies that somebody would really send. */
  readonly examples: readonly unknown[];
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
  /** Types of what is answered instead of JSON where an archive is asked for. */
  readonly "x-archives"?: readonly string[];
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, RawOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}
interface RawOperation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Operation["responses"];
}

export class ApiDescription {
  readonly operations: readonly Operation[];
  readonly #checks = new Map<Schema, ReturnType<typeof Compile>>();

  constructor(text: string) {
    const outer = JSON.parse(text) as Description;
    // No schema holds itself, so references are put in place once. What is said beside one counts.
    const inPlace = (node: unknown): unknown => {
      if (Array.isArray(node)) return node.map(inPlace);
      if (typeof node !== "object" || node === null) return node;
      const { $ref, ...beside } = node as { readonly $ref?: string };
      if ($ref !== undefined) {
        const named = outer.components.schemas[$ref.split("/").pop() ?? ""];
        return { ...(inPlace(named) as object), ...beside };
      }
      return Object.fromEntries(Object.entries(node).map(([key, one]) => [key, inPlace(one)]));
    };
    const whole = inPlace(outer) as Description;
    this.operations = Object.entries(whole.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        ...operation,
        ...{ method: method.toUpperCase(), path, parameters: operation.parameters ?? [] },
        body: operation.requestBody?.content["application/json"]?.schema,
        uploads: Object.keys(operation.requestBody?.content ?? {}).find(
          (type) => !/json/.test(type),
        ),
        examples: examplesOf(operation.requestBody?.content["application/json"]),
        responses: operation.responses,
      })),
    );
  }

  /** @throws AssertionError when the answer is none that the operation is described to give */
  judge(operation: Operation, status: number, contentType: string, body: string): void {
    const what = `${operation.method} ${operation.path} answered ${status} (${contentType}): ${body.slice(0, 600)}`;
    const response =
      operation.responses[status] ??
      operation.responses[status < 300 ? "2XX" : "default"] ??
      operation.responses["default"];
    // 204 is described as "no content" by a schema of null.
    if (body === "" && (status === 204 || operation.method === "HEAD")) return;
    const mediaType = contentType.split(";")[0] ?? "";
    const content = response?.content ?? {};
    if (operation["x-archives"]?.includes(mediaType)) return;
    const described = content[mediaType] ?? content["*/*"];
    assert.ok(described, `${what}\nis not described with this content type`);
    if (mediaType !== "application/json" || !described.schema) return;
    const check = this.#checks.get(described.schema) ?? Compile(described.schema);
    this.#checks.set(described.schema, check);
    const [valid, errors] = check.Errors(JSON.parse(body));
    assert.ok(valid, `${what}\nis not as described: ${JSON.stringify(errors?.slice(0, 3))}`);
  }
}

function examplesOf(media: MediaType | undefined): readonly unknown[] {
  if (media?.example !== undefined) return [media.example];
  return Object.values(media?.examples ?? {}).map(({ value }) => value);
}

/** As the server tells it. */
export async function readDescription(server: TestServer): Promise<ApiDescription> {
  const response = await fetch(`${server.baseUrl}/openapi.json`, {
    headers: { "x-auth-token": server.token },
  });
  assert.equal(response.status, 200);
  return new ApiDescription(await response.text());
}

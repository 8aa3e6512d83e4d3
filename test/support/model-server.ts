/**
 * A server that speaks the wire format of OpenAI-compatible models, streaming included, and answers what a
 * test has written down. It misbehaves on demand.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly {
    readonly role: string;
    readonly content: string;
    readonly tool_calls?: readonly {
      readonly id: string;
      readonly function: { readonly name: string; readonly arguments: string };
    }[];
    readonly tool_call_id?: string;
  }[];
  readonly tools?: readonly { readonly function: { readonly name: string } }[];
  readonly stream_options?: object;
  readonly stream?: boolean;
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly response_format?: { readonly type: string };
}

export interface CalledTool {
  readonly name: string;
  /** As JSON; a string is sent as it is, for arguments that are meant to be broken. */
  readonly input: unknown;
  /** Default: its place in the answer, as some servers have it. */
  readonly id?: string;
}

export interface Answer {
  /** The words of the model; absent for an answer without any. */
  readonly text?: string;
  readonly refusal?: string;
  readonly calls?: readonly CalledTool[];
  /** "none": the answer ends without one. */
  readonly finishReason?: "stop" | "length" | "content_filter" | "tool_calls" | "none";
  /** Anything but 200 is an error, and `body` what it says. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Break the connection after this part of the answer, from 0 to 1. */
  readonly cutAt?: number;
  /** Think for so long. */
  readonly delayMs?: number;
  /** Send nothing at all until the other side goes. */
  readonly hangs?: boolean;
}

/** What is said to a request; by a function, or one after the other and the last again and again. */
export type Script = ((request: ChatRequest) => Answer) | readonly Answer[];

export interface ModelServer {
  readonly baseUrl: string;
  /** Every request so far, in order, with the headers that it had. */
  readonly requests: readonly { readonly body: ChatRequest; readonly authorization: string }[];
  /** How often a connection ended before it had its answer. */
  readonly abandoned: () => number;
  say(script: Script): void;
  stop(): Promise<void>;
}

/** An answer in the form that is asked for. */
export function code(source: string, more: Record<string, unknown> = {}): Answer {
  const safety = { verdict: "safe", summary: "The code is secure and efficient." };
  return { text: JSON.stringify({ code: source, safety, explanation: "It computes.", ...more }) };
}

/** An answer that calls tools. */
export function calls(...called: readonly CalledTool[]): Answer {
  return { calls: called };
}

/** An answer that runs code. */
export function runs(source: string, more: object = {}): Answer {
  return calls({ name: "run_code", input: { code: source, ...more } });
}

export async function startModelServer(script: Script = []): Promise<ModelServer> {
  const requests: { body: ChatRequest; authorization: string }[] = [];
  let answers = script;
  let said = 0;
  let abandoned = 0;
  const server = createServer((request, response) => {
    response.on("close", () => {
      if (!response.writableEnded) abandoned++;
    });
    void readBody(request).then((text) => {
      const body = JSON.parse(text) as ChatRequest;
      requests.push({ body, authorization: request.headers.authorization ?? "" });
      const answer =
        typeof answers === "function"
          ? answers(body)
          : (answers[Math.min(said++, answers.length - 1)] ?? {});
      const reply = () => send(response, request.url ?? "", body, answer);
      if (answer.delayMs === undefined) reply();
      else setTimeout(reply, answer.delayMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    abandoned: () => abandoned,
    say: (next) => {
      answers = next;
      said = 0;
      requests.length = 0;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function send(response: ServerResponse, url: string, body: ChatRequest, answer: Answer): void {
  if (url !== "/v1/chat/completions") {
    response.writeHead(404).end(`{"error": {"message": "no route ${url}"}}`);
    return;
  }
  if (answer.hangs) return;
  const status = answer.status ?? 200;
  const streams = body.stream === true && status === 200;
  const whole = answer.body ?? (streams ? streamed(body, answer) : completion(body, answer));
  response.writeHead(status, {
    "content-type": streams ? "text/event-stream" : "application/json",
    ...(answer.cutAt === undefined ? {} : { "content-length": String(Buffer.byteLength(whole)) }),
    ...answer.headers,
  });
  if (answer.cutAt === undefined) {
    response.end(whole);
    return;
  }
  response.write(whole.slice(0, Math.floor(whole.length * answer.cutAt)), () => response.destroy());
}

/** Four characters are a token, more or less. */
function usageOf(body: ChatRequest, { text = "" }: Answer) {
  const prompt = JSON.stringify(body.messages).length >> 2;
  const completion = text.length >> 2;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  };
}

function completion(body: ChatRequest, answer: Answer): string {
  return JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1_700_000_000,
    model: body.model,
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: answer.text ?? null,
          ...(answer.refusal === undefined ? {} : { refusal: answer.refusal }),
        },
        finish_reason: finishReasonOf(answer),
      },
    ],
    usage: usageOf(body, answer),
  });
}

function streamed(body: ChatRequest, answer: Answer): string {
  const shared = {
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: body.model,
  };
  const event = (choices: readonly unknown[], more: object = {}) =>
    `data: ${JSON.stringify({ ...shared, choices, ...more })}\n\n`;
  const pieces = (answer.text ?? "").match(/[\s\S]{1,7}/g) ?? [];
  return [
    event([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }]),
    ...pieces.map((content) => event([{ index: 0, delta: { content }, finish_reason: null }])),
    ...(answer.calls ?? [])
      .flatMap((call, index) => callDeltas(call, index))
      .map((delta) => event([{ index: 0, delta, finish_reason: null }])),
    ...(answer.finishReason === "none"
      ? []
      : [event([{ index: 0, delta: {}, finish_reason: finishReasonOf(answer) }])]),
    ...(body.stream_options ? [event([], { usage: usageOf(body, answer) })] : []),
    "data: [DONE]\n\n",
  ].join("");
}

function finishReasonOf({ finishReason, calls: called = [] }: Answer): string {
  return finishReason ?? (called.length > 0 ? "tool_calls" : "stop");
}

/** As servers stream a call: its name first, then its arguments in pieces. */
function callDeltas({ name, input, id }: CalledTool, index: number): object[] {
  const text = typeof input === "string" ? input : JSON.stringify(input);
  const pieces = text.match(/[\s\S]{1,9}/g) ?? [];
  const begin = { index, id: id ?? `call_${index}`, type: "function" };
  return [
    { tool_calls: [{ ...begin, function: { name, arguments: "" } }] },
    ...pieces.map((piece) => ({ tool_calls: [{ index, function: { arguments: piece } }] })),
  ];
}

/** Pictures on their way to a model that takes them, against a scripted model and real sandboxes. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type ChatRequest,
  code,
  type ModelServer,
  runs,
  startModelServer,
} from "../support/model-server.ts";
import { startServer, type TestServer, uniqueId } from "../support/server.ts";

const PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()";
const SVG =
  "from IPython.display import SVG, display\ndisplay(SVG('<svg><title>Map</title></svg>'))";
const DONE = { text: "A line." };

let model: ModelServer;
let server: TestServer;
let directory: string;
let recording: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "glovebox-pictures-"));
  execFileSync("chmod", ["777", directory]);
  recording = join(directory, "exchanges.jsonl");
  model = await startModelServer();
  server = await startServer({
    // The name alone says that it sees.
    env: { LLM_BASE_URL: model.baseUrl, LLM_MODEL: "openai/gpt-4o-mini", LLM_RECORD: recording },
  });
});

afterAll(async () => {
  await model?.stop();
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

interface ChatAnswer {
  readonly session_id: string;
  readonly text: string;
  readonly images: readonly { readonly data: string }[];
  readonly steps: number;
  readonly usage: { readonly steps: number; readonly input_tokens: number };
}

async function ask(body: object, to = server): Promise<ChatAnswer> {
  const answer = await to.request<ChatAnswer>("/api/chat", { body: { stream: false, ...body } });
  expect(answer.status, answer.text).toBe(200);
  return answer.body;
}

/** What the model was told in its nth request, by who said it; pictures as their addresses. */
function told(request: number): [role: string, said: string | readonly string[]][] {
  const messages = model.requests.at(request)?.body.messages ?? [];
  return messages.map(({ role, content }) => [role, readContent(content)]);
}

function readContent(content: unknown): string | readonly string[] {
  if (!Array.isArray(content)) return String(content);
  return content.map((part) => (part.type === "text" ? part.text : part.image_url.url));
}

test("a plot is shown to the model behind the result of its call, and in later turns", async () => {
  const session_id = uniqueId("pictures");
  model.say([runs(PLOT), DONE]);
  const { images } = await ask({ message: "plot", session_id });
  const url = `data:image/png;base64,${images[0]?.data}`;
  const [first, , , fourth, last, ...more] = told(1);
  const [system, result, [role, shown] = []] = [first?.[1], fourth?.[1], last];
  expect(system).toContain("Pictures that code has shown come to you as well");
  expect(result).toContain("The user was shown 1 image(s), which follow for you to see.");
  expect([role, shown, more]).toEqual([
    "user",
    [expect.stringContaining("From the sandbox"), url],
    [],
  ]);
  model.say([DONE]);
  await ask({ message: "And?", session_id });
  expect(told(0).map(([who]) => who)).toEqual([
    ...["system", "user", "assistant", "tool", "user", "assistant", "user"],
  ]);
  expect(told(0)[4]?.[1]).toContain(url);
});

test("what a model cannot see is told, and nothing is sent for it", async () => {
  model.say([runs(SVG), DONE]);
  await ask({ message: "draw" });
  expect(told(1)).toHaveLength(4);
  expect(told(1)[3]?.[1]).toContain("you cannot see them");
  expect(told(1)[3]?.[1]).toContain('(an SVG drawing \\"Map\\", 29 characters)');
});

test("an image that a user attaches is shown, and lies in the working directory", async () => {
  const png =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=";
  const file = (mediaType: string, filename: string, url: string) => ({
    ...{ type: "file", mediaType, filename, url },
  });
  const parts = [
    { type: "text", text: "What is it?" },
    file("image/png", "dot.png", `data:image/png;base64,${png}`),
    file("text/csv", "a.csv", "data:text/csv;base64,YSxiCg=="),
    // A name for what it is not.
    file("image/png", "not.png", "data:image/png;base64,aGVsbG8="),
  ];
  model.say([runs("import os\nsorted(os.listdir())"), DONE]);
  await ask({ messages: [{ role: "user", parts }] });
  const said = told(0).at(-1)?.[1];
  expect(said).toEqual([
    expect.stringMatching(/What is it\?\n\n\(Attached.*"dot\.png", "a\.csv", "not\.png"\)$/),
    `data:image/png;base64,${png}`,
  ]);
  expect(told(1).at(-1)?.[1]).toContain("['a.csv', 'dot.png', 'not.png']");
});

test("an address in an older message is not fetched", async () => {
  const url = "http://127.0.0.1:9/x.png";
  const parts = [
    { type: "text", text: "Look." },
    { type: "file", mediaType: "image/png", url },
  ];
  model.say([DONE]);
  const answer = { role: "assistant", content: "Yes." };
  await ask({ messages: [{ role: "user", parts }, answer, { role: "user", content: "And?" }] });
  expect(JSON.stringify(told(0))).not.toContain(url);
});

test("a server that refuses pictures is asked in words, for the rest of the chat", async () => {
  const session_id = uniqueId("blind");
  const script = ({ messages }: ChatRequest) => {
    if (JSON.stringify(messages).includes("image_url")) {
      return { status: 400, body: '{"error": "messages[4].content must be a string"}' };
    }
    return messages.at(-1)?.role === "tool" ? DONE : runs(PLOT);
  };
  model.say(script);
  const { text, steps } = await ask({ message: "plot", session_id });
  expect([text, steps]).toEqual(["A line.", 2]);
  expect(model.requests).toHaveLength(3);
  expect(told(2).map(([role]) => role)).toEqual(["system", "user", "assistant", "tool"]);
  expect(told(2)[3]?.[1]).toContain(
    "you cannot see them; what charts and tables show is told as data",
  );
  expect(told(2)[0]?.[1]).not.toContain("come to you as well");
  model.say(script);
  await ask({ message: "Again.", session_id });
  expect(model.requests).toHaveLength(2);
  // Another chat may be answered by another model behind the same server.
  model.say(script);
  await ask({ message: "plot" });
  expect(model.requests).toHaveLength(3);
});

test("a refusal that is none of pictures is told as it is", async () => {
  model.say([runs(PLOT), { status: 500, body: "overloaded" }]);
  const { status, text } = await server.request("/api/chat", {
    body: { message: "plot", stream: false },
  });
  expect([status, model.requests.length]).toEqual([200, 2]);
  expect(text).toContain("LLM_UPSTREAM_FAILED");
});

test("a model that judges a result sees the plot, or is told of it where it is refused", async () => {
  const body = { query: "Plot a line.", check: true };
  const verdict = { text: '{"ok": true, "reason": ""}' };
  model.say([code(PLOT), verdict]);
  await server.request("/generate-and-execute", { body });
  expect(told(1).at(-1)?.[1]).toEqual([
    expect.stringContaining("(an image)"),
    expect.stringMatching(/^data:image\/png;base64,iVBOR/),
  ]);
  model.say([
    code(PLOT),
    { status: 404, body: "No endpoints found that support image input" },
    verdict,
  ]);
  const { body: answer } = await server.request<{ attempts: unknown }>("/generate-and-execute", {
    body,
  });
  expect(answer.attempts).toMatchObject([{ status: "ok", judgement: null }]);
  expect(told(2).at(-1)?.[1]).toEqual(expect.stringContaining("(an image)"));
});

test("a recording with pictures is replayed, by whatever name", async () => {
  await expect.poll(() => readFileSync(recording, "utf8")).toContain("Plot a line.");
  const replay = await startServer({ env: { LLM_BASE_URL: `replay:${recording}` } });
  try {
    const { text, images, steps } = await ask({ message: "plot" }, replay);
    expect([text, images.length, steps]).toEqual(["A line.", 1, 2]);
  } finally {
    await replay.stop();
  }
});

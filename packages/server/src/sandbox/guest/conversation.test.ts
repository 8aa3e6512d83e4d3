import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SandboxEnd } from "../sandbox.js";
import { turnOfOnesOwn } from "../turns.js";
import { encodeFrame, FrameParser, type KernelMessage } from "./channel.js";
import { type ConversationListener, GuestConversation } from "./conversation.js";

/** The guest's ends of real connections, by which a test says whatever a guest could. */
let ourKernel: Socket;
let kernel: Guest;
let warden: Guest;
let conversation: GuestConversation;
let ends: SandboxEnd[];
let directory: string;
const onWardenClosed = vi.fn<() => void>();
const onAnswered = vi.fn<() => void>();
const onQuestionFailed = vi.fn<() => void>();
const onFault = vi.fn<ConversationListener["onFault"]>();

interface Guest {
  readonly socket: Socket;
  readonly heard: { msg_type: string; content: Record<string, unknown> }[];
  say(msg_type: string, content: object): void;
}

async function connectPair(path: string): Promise<[Socket, Guest]> {
  const server = createServer({ pauseOnConnect: true });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const socket = connect(path).on("error", () => undefined);
  const heard: Guest["heard"] = [];
  const parser = new FrameParser();
  socket.on("data", (chunk) => heard.push(...(parser.push(chunk) as Guest["heard"])));
  const ours = await accepted;
  ours.on("error", () => ours.destroy());
  server.close();
  const say = (msg_type: string, content: object) =>
    void socket.write(encodeFrame({ msg_type, content } as never));
  return [ours, { socket, heard, say }];
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "conversation-"));
  const own: SandboxEnd[] = [];
  ends = own;
  vi.resetAllMocks();
  const [ours, theirKernel] = await connectPair(join(directory, "kernel"));
  const [ourWarden, theirWarden] = await connectPair(join(directory, "warden"));
  [ourKernel, kernel, warden] = [ours, theirKernel, theirWarden];
  conversation = new GuestConversation(
    { kernel: ours, warden: ourWarden },
    { onEnd: (end) => own.push(end), onWardenClosed, onAnswered, onQuestionFailed, onFault },
  );
});

afterEach(() => {
  conversation.close();
  kernel.socket.destroy();
  warden.socket.destroy();
  rmSync(directory, { recursive: true });
});

const CELL = { code: "1", outputBytesMax: 100, allowInput: false, timeoutMs: 1000 };
const REPLY = { status: "ok", execution_count: 1, execution_time: 0.1 };

function run(request = CELL): KernelMessage[] {
  const messages: KernelMessage[] = [];
  conversation.execute(request, (message) => messages.push(message));
  return messages;
}

test("it is ready when kernel and warden have both said so", async () => {
  let isReady = false;
  void conversation.ready.then(() => {
    isReady = true;
  });
  kernel.say("kernel_ready", { python: "3.13.5" });
  await vi.waitFor(() => expect(conversation.answers).toBe(true));
  expect(isReady).toBe(false);
  warden.say("warden_ready", {});
  await conversation.ready;
});

test("a warden that fails says why, which ends the sandbox", async () => {
  warden.say("fault", { reason: "ValueError: x (warden.py:1)" });
  await vi.waitFor(() => expect(ends).toHaveLength(1));
  expect(ends[0]).toMatchObject({ reason: "sandbox_died", isFault: true });
  expect(ends[0]?.detail).toContain("warden failed (ValueError: x (warden.py:1))");
  expect(onFault.mock.calls).toEqual([["warden", "ValueError: x (warden.py:1)"]]);
});

test("what a kernel says of its failure counts once it has ended by it", async () => {
  kernel.say("fault", { reason: "first" });
  kernel.say("fault", { reason: "second" });
  await vi.waitFor(() => expect(onFault).toHaveBeenCalled());
  expect(ends).toEqual([]);
  expect(conversation.answers).toBe(true);
  conversation.kernelExited(1, false);
  await vi.waitFor(() => expect(ends).toHaveLength(1));
  expect(ends[0]).toMatchObject({ reason: "kernel_exited", exitCode: 1, isFault: true });
  expect(ends[0]?.detail).toBe("the sandbox's kernel failed (first)");
  expect(onFault.mock.calls).toEqual([["kernel", "first"]]);
});

test("a cell hears what is said up to its reply, and nothing after it", async () => {
  const messages = run();
  await vi.waitFor(() => expect(kernel.heard).toHaveLength(1));
  expect(kernel.heard[0]).toMatchObject({ msg_type: "execute_request", content: { code: "1" } });
  kernel.say("stream", { name: "stdout", text: "in time" });
  kernel.say("execute_reply", REPLY);
  kernel.say("stream", { name: "stdout", text: "late" });
  await vi.waitFor(() => expect(messages).toHaveLength(2));
  expect(onAnswered).toHaveBeenCalledOnce();
  const next = run();
  kernel.say("execute_reply", REPLY);
  await vi.waitFor(() => expect(next).toHaveLength(1));
  expect(messages.map(({ msg_type }) => msg_type)).toEqual(["stream", "execute_reply"]);
  expect(ends).toEqual([]);
});

test.each([
  ["what only a warden may say", () => kernel.say("drained", {}), "protocol_violation"],
  ["an answer to no question", () => kernel.say("complete_reply", {}), "protocol_violation"],
  [
    "an input request where none is allowed",
    () => kernel.say("input_request", { prompt: "?", password: false }),
    "protocol_violation",
  ],
  [
    "what is no frame",
    () => kernel.socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 1])),
    "protocol_violation",
  ],
] as const)("%s breaks the conversation off", async (_what, say, reason) => {
  run();
  say();
  await vi.waitFor(() => expect(ends).toMatchObject([{ reason }]));
});

test("a kernel's end is told when both connections have delivered everything", async () => {
  const messages = run();
  conversation.kernelExited(-9, true);
  expect(conversation.answers).toBe(false);
  await vi.waitFor(() => expect(warden.heard.at(-1)?.msg_type).toBe("drain"));
  warden.say("stream", { name: "stdout", text: "last words" });
  warden.say("drained", {});
  await vi.waitFor(() => expect(messages).toHaveLength(1));
  expect(ends).toEqual([]);
  kernel.socket.end();
  await vi.waitFor(() =>
    expect(ends).toMatchObject([{ reason: "kernel_exited", exitCode: -9, outOfMemory: true }]),
  );
});

test("the driver learns that nobody supervises the sandbox any more", async () => {
  warden.socket.destroy();
  await vi.waitFor(() => expect(onWardenClosed).toHaveBeenCalledOnce());
});

test("a question gets its answer, or says why there is none", async () => {
  const answered = conversation.ask({ name: "is_complete", content: { code: "1" } }, 1000);
  kernel.say("is_complete_reply", { status: "complete", indent: "" });
  expect(await answered).toMatchObject({ status: "complete" });
  const failed = conversation.ask({ name: "is_complete", content: { code: "1" } }, 1000);
  kernel.say("question_failed", { reason: "timeout", detail: "" });
  await expect(failed).rejects.toMatchObject({ code: "QUESTION_UNANSWERED" });
  expect(onQuestionFailed).toHaveBeenCalledOnce();
  const open = conversation.ask({ name: "is_complete", content: { code: "1" } }, 1000);
  conversation.close();
  await expect(open).rejects.toThrow("the sandbox has ended");
});

test("input is answered once, with the number of its request", async () => {
  const messages = run({ ...CELL, allowInput: true });
  expect(conversation.answerInput({ line: "nobody asked" })).toBe(false);
  kernel.say("input_request", { prompt: "name? ", password: false });
  await vi.waitFor(() => expect(messages).toHaveLength(1));
  expect(conversation.answerInput({ line: "Ada" })).toBe(true);
  expect(conversation.answerInput({ line: "again" })).toBe(false);
  await vi.waitFor(() =>
    expect(kernel.heard.at(-1)).toEqual({
      msg_type: "input_reply",
      content: { value: "Ada", number: 1 },
    }),
  );
});

test("the kernel is told once that files were changed from outside", async () => {
  conversation.changes.note(["a.csv"]);
  run();
  kernel.say("execute_reply", REPLY);
  await vi.waitFor(() => expect(kernel.heard).toHaveLength(1));
  run();
  await vi.waitFor(() => expect(kernel.heard).toHaveLength(2));
  expect(kernel.heard.map(({ content }) => content["look_first"])).toEqual([true, undefined]);
});

test.each([
  ["is no JSON", `{"a":"${"x".repeat(400_000)}"`, "protocol_violation"],
  ["is no message", `{"msg_type":"${"x".repeat(400_000)}"}`, "protocol_violation"],
  ["nests too deep", `${"[".repeat(400_000)}`, "protocol_violation"],
  ["holds too many values", `[${"1,".repeat(600_000)}1]`, "flood"],
])("a large frame that %s ends the sandbox, once", async (_what, body, reason) => {
  run();
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  kernel.socket.write(Buffer.concat([head, Buffer.from(body)]));
  await vi.waitFor(() => expect(ends).toMatchObject([{ reason }]), 2000);
});

test("what is said behind large messages comes behind them, and the end at last", async () => {
  const messages = run();
  const large = (letter: string) => ({
    data: { "text/plain": letter.repeat(300_000), "text/html": [letter] },
    metadata: {},
    transient: {},
  });
  kernel.say("stream", { name: "stdout", text: "before" });
  kernel.say("display_data", large("\n"));
  kernel.say("display_data", large("\ud800"));
  kernel.say("stream", { name: "stdout", text: "after" });
  kernel.say("execute_reply", REPLY);
  kernel.socket.end();
  conversation.kernelExited(0, false);
  warden.say("drained", {});
  await vi.waitFor(() => expect(ends).toHaveLength(1), 5000);
  expect(messages.map(({ msg_type }) => msg_type)).toEqual([
    ...["stream", "display_data", "display_data", "stream", "execute_reply"],
  ]);
  expect(messages[1]?.content).toEqual(large("\n"));
  expect(messages[2]?.content).toEqual(large("\ufffd"));
});

test("what a dead kernel has said last is told before its end, however long its reading waits", async () => {
  const messages = run();
  kernel.say("display_data", {
    data: { "text/plain": "\n".repeat(400_000) },
    metadata: {},
    transient: {},
  });
  await vi.waitFor(() => expect(ourKernel.bytesRead).toBeGreaterThan(0));
  // Others have the turns of the event loop for half a second.
  for (let n = 0; n < 50; n++) {
    void turnOfOnesOwn().then(() => {
      for (const end = performance.now() + 10; performance.now() < end; );
    });
  }
  conversation.kernelExited(0, false);
  await vi.waitFor(() => expect(ends).toHaveLength(1), 5000);
  expect(messages.map(({ msg_type }) => msg_type)).toEqual(["display_data"]);
});

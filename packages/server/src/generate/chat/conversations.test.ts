import { describe, expect, test } from "vitest";
import { Conversations } from "./conversations.js";
import type { ChatMessage, ChatPart } from "./parts.js";

let made = 0;
function message(role: "user" | "assistant", ...parts: ChatPart[]): ChatMessage {
  return { id: String(++made), role, parts };
}
const says = (text: string): ChatPart => ({ type: "text", text });
const image = (bytes: number): ChatPart => ({
  ...{ type: "file", mediaType: "image/png" },
  url: `data:image/png;base64,${"A".repeat(bytes)}`,
});
const MEBIBYTE = 2 ** 20;

describe("conversations", () => {
  test("are kept by owner and session, and replaced as a whole", () => {
    const conversations = new Conversations();
    const first = [message("user", says("a")), message("assistant", says("b"))];
    conversations.keep("ada", "s", first);
    expect(conversations.messages("ada", "s")).toEqual(first);
    expect(conversations.messages("bob", "s")).toEqual([]);
    const before = conversations.bytes;
    conversations.keep("ada", "s", first);
    expect(conversations.bytes).toBe(before);
    expect([conversations.forget("ada", "s"), conversations.forget("ada", "s")]).toEqual([
      true,
      false,
    ]);
    expect(conversations.bytes).toBe(0);
  });

  test("know whose model refuses pictures, as long as they are kept", () => {
    const conversations = new Conversations();
    const said = [message("user", says("a"))];
    conversations.keep("ada", "s", said, { picturesRefused: true });
    conversations.keep("bob", "s", said);
    const refused = () => ["ada", "bob"].map((who) => conversations.picturesRefused(who, "s"));
    expect(refused()).toEqual([true, false]);
    conversations.forget("ada", "s");
    expect(refused()).toEqual([false, false]);
  });

  test("have no more than 200 messages, and begin with what a user says", () => {
    const conversations = new Conversations();
    const turns = Array.from({ length: 150 }, (_, n) => [
      message("user", says(`${n}`)),
      message("assistant", says("yes")),
    ]).flat();
    conversations.keep("ada", "s", turns.slice(1));
    const kept = conversations.messages("ada", "s");
    expect(kept.length).toBeLessThanOrEqual(200);
    expect(kept.at(-1)).toBe(turns.at(-1));
    expect(kept[0]?.role).toBe("user");
  });

  test("that are too large lose images first, the oldest before the others", () => {
    const conversations = new Conversations();
    const turns = Array.from({ length: 5 }, (_, n) => [
      message("user", says(`plot ${n}`)),
      message("assistant", says("there"), image(3 * MEBIBYTE)),
    ]).flat();
    conversations.keep("ada", "s", turns);
    const kept = conversations.messages("ada", "s");
    expect(kept).toHaveLength(10);
    const images = kept.map(({ parts }) => parts.filter(({ type }) => type === "file").length);
    expect(images).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 0, 1]);
    expect(conversations.bytes).toBeLessThan(8 * MEBIBYTE);
  });

  test("that are still too large lose their oldest turns", () => {
    const conversations = new Conversations();
    const long = "x".repeat(3 * MEBIBYTE);
    const turns = [1, 2, 3].flatMap(() => [
      message("user", says(long)),
      message("assistant", says("ok")),
    ]);
    conversations.keep("ada", "s", turns);
    expect(conversations.messages("ada", "s")).toEqual(turns.slice(2));
  });

  test("of all sessions have a bound, and the one that was used longest ago goes", () => {
    const conversations = new Conversations(10 * MEBIBYTE);
    const large = [message("user", says("x".repeat(4 * MEBIBYTE)))];
    conversations.keep("ada", "1", large);
    conversations.keep("ada", "2", large);
    conversations.keep("ada", "1", large);
    conversations.keep("ada", "3", large);
    expect(["1", "2", "3"].map((id) => conversations.messages("ada", id).length)).toEqual([
      1, 0, 1,
    ]);
    expect(conversations.bytes).toBeLessThanOrEqual(10 * MEBIBYTE);
  });

  test("of one owner push nobody else's out", () => {
    const conversations = new Conversations(10 * MEBIBYTE);
    conversations.keep("bob", "s", [message("user", says("hello"))]);
    const large = [message("user", says("x".repeat(2 * MEBIBYTE)))];
    for (let n = 0; n < 20; n++) conversations.keep("ada", `${n}`, large);
    expect(conversations.messages("bob", "s")).toHaveLength(1);
    expect(conversations.messages("ada", "19")).toHaveLength(1);
    expect(conversations.messages("ada", "0")).toHaveLength(0);
    expect(conversations.bytes).toBeLessThanOrEqual(10 * MEBIBYTE);
  });
});

import type { ModelMessage } from "ai";
import { expect, test } from "vitest";
import { charactersTold, hasPictures, pictureOf, withinBounds } from "./pictures.js";

const PNG = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(16)]);
const picture = (bytes = 24) => {
  const found = pictureOf(Buffer.concat([PNG, Buffer.alloc(bytes - 24)]).toString("base64"));
  if (!found) throw new Error("no picture");
  return found;
};
const shown = (...pictures: ReturnType<typeof picture>[]): ModelMessage => ({
  role: "user",
  content: [{ type: "text", text: "shown" }, ...pictures],
});
/** Of each message: p for a picture, t for a text in place of one. */
const kinds = (messages: readonly ModelMessage[]) =>
  messages.map(({ content }) =>
    typeof content === "string"
      ? content
      : content.slice(1).map((part) => (part.type === "file" ? "p" : "t")),
  );

test.each([
  ["image/png", PNG],
  ["image/jpeg", Buffer.from("ffd8ffe000104a464946", "hex")],
  ["image/gif", Buffer.from("GIF89a....")],
  ["image/webp", Buffer.from("RIFF\0\0\0\0WEBPVP8 ")],
])("a picture is %s by its first bytes", (mediaType, bytes) => {
  const data = bytes.toString("base64");
  expect(pictureOf(data)).toEqual({ type: "file", mediaType, data });
});

test("what is no picture for a model is none", () => {
  for (const text of ["", "<svg/>", "hi there", "RIFF1234WAVE", "%PDF-1.7"]) {
    expect(pictureOf(Buffer.from(text).toString("base64"))).toBeUndefined();
  }
  expect(pictureOf("=== no base64 ===")).toBeUndefined();
  const large = Buffer.concat([PNG, Buffer.alloc(3 * 2 ** 20)]).toString("base64");
  expect(pictureOf(large)).toBeUndefined();
});

test("the newest pictures go, and a line in the place of others", () => {
  const one = picture();
  const messages = [shown(one, one), { role: "assistant", content: "x" } as const];
  messages.push(shown(...Array<typeof one>(7).fill(one)) as never);
  expect(kinds(withinBounds(messages))).toEqual([["p", "t"], "x", Array(7).fill("p")]);
  expect(kinds(withinBounds([shown(...Array<typeof one>(16).fill(one))]))).toEqual([
    [...Array(8).fill("p"), ...Array(8).fill("t")],
  ]);
  const large = picture(2.5 * 2 ** 20);
  expect(kinds(withinBounds([shown(large), shown(large), shown(large)]))).toEqual([
    ["t"],
    ["p"],
    ["p"],
  ]);
});

test("a picture weighs as tokens and not as base64", () => {
  const bare = charactersTold([shown()]);
  expect(charactersTold([shown(picture(2 ** 20), picture())])).toBe(bare + 8000);
  expect(charactersTold([{ role: "user", content: "four" }])).toBe(
    JSON.stringify([{ role: "user", content: "four" }]).length,
  );
  expect(hasPictures([shown()])).toBe(false);
  expect(hasPictures([{ role: "user", content: "x" }, shown(picture())])).toBe(true);
});

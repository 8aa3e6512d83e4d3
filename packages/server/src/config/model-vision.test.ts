import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import {
  blindNames,
  seeingHosts,
  seeingNames,
  seeingWords,
  takesPictures,
} from "./model-vision.js";

const LOCAL = "http://127.0.0.1:11434/v1";

test.each([
  ["gpt-4o-mini", LOCAL],
  ["openai/gpt-5", "https://openrouter.ai/api/v1"],
  ["meta-llama/Llama-4-Scout-17B-16E-Instruct", LOCAL],
  ["meta-llama/Llama-3.2-90B-Vision-Instruct-Turbo", LOCAL],
  ["Qwen/Qwen2.5-VL-72B-Instruct", LOCAL],
  ["gemma3:27b", LOCAL],
  ["some-later-name", "https://api.anthropic.com/v1"],
  ["gemini-3-pro", undefined],
])("%s takes pictures", (model, baseUrl) => {
  expect(takesPictures(model, baseUrl)).toBe(true);
});

test.each([
  ["qwen2.5-coder", LOCAL],
  ["meta-llama/Llama-3.3-70B-Instruct-Turbo", "https://api.together.xyz/v1"],
  ["o3-mini", LOCAL],
  ["gpt-oss-120b", LOCAL],
  ["gemma3:1b", LOCAL],
  ["revisionist", LOCAL],
  ["x", "https://api.anthropic.com.example.org/v1"],
  ["replayed", undefined],
  ["", "no address"],
])("%s is told in words", (model, baseUrl) => {
  expect(takesPictures(model, baseUrl)).toBe(false);
});

test("docs/models.md has the same names", () => {
  const document = readFileSync(new URL("../../../../docs/models.md", import.meta.url), "utf8");
  for (const name of [...seeingHosts, ...seeingNames, ...seeingWords, ...blindNames]) {
    expect(document).toContain(`\`${name}\``);
  }
});

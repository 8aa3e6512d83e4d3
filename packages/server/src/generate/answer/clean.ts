/** What surrounds code in answers and is no part of it. */

import { withAsciiSigns } from "./signs.js";

const THOUGHT_BEGINS = /<(?:think|thinking|reasoning|thought|scratchpad)>|◁think▷/gi;
const THOUGHT_ENDS = /<\/(?:think|thinking|reasoning|thought|scratchpad)>|◁\/think▷/gi;
const FINAL_CHANNEL = /^[\s\S]*<\|channel\|>final(?:<\|constrain\|>\w+)?<\|message\|>/;
const TEMPLATE_TOKENS =
  /<\|(?:im_start|im_end|eot_id|eom_id|end|end_of_text|endoftext|assistant|python_tag|start|return)\|>(?:assistant\b)?|<\/?s>|\[\/?INST\]|<\uff5cend\u2581of\u2581sentence\uff5c>|<end_of_turn>/g;

/** The answer without thoughts and without marks of chat templates. */
export function stripTemplates(text: string): string {
  const plain = text
    .replace(/^\ufeff/, "")
    .replace(/\r\n?/g, "\n")
    .replace(FINAL_CHANNEL, "");
  return withoutThoughts(plain).replace(TEMPLATE_TOKENS, "").trim();
}

/** Some servers cut the beginning of the thoughts off with the prompt, so only their end counts. */
function withoutThoughts(text: string): string {
  const end = [...text.matchAll(THOUGHT_ENDS)].at(-1);
  if (!end) return text.replace(THOUGHT_BEGINS, "");
  const after = text.slice(end.index + end[0].length);
  return after.trim() === "" ? text.slice(0, Math.max(0, text.search(THOUGHT_BEGINS))) : after;
}

const ENTITIES: Readonly<Record<string, string>> = {
  ...{ "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&#x27;": "'", "&apos;": "'" },
  "&amp;": "&",
};
const PROMPT_LINE = /^(?:>>>|\.\.\.|In \[\d+\]:)(?: |$)/;

/** Readings of one piece of code, the likeliest first. Which of them is Python, only Python knows. */
export function readings(piece: string): string[] {
  const bare = withoutFence(piece.replace(/\r\n?/g, "\n"));
  const plain = withoutPrompts(
    dedent(trimBlankLines(withAsciiSigns(bare))).replace(/^(?:python3?|py)\n/i, ""),
  );
  const found = [plain];
  if (!plain.includes("\n") && plain.includes("\\n")) found.push(unescapeTwice(plain));
  if (/&(?:lt|gt|quot|amp|#39|#x27|apos);/.test(plain)) found.push(decodeEntities(plain));
  return found.map((code) => code.trimEnd()).filter((code) => code.trim() !== "");
}

function withoutFence(text: string): string {
  const start = text.trimStart();
  const mark = /^(?:`{3,}|~{3,})/.exec(start)?.[0];
  const lineEnd = start.indexOf("\n");
  if (mark === undefined || lineEnd < 0) return text;
  const inner = start.slice(lineEnd + 1).trimEnd();
  return inner.endsWith(mark) ? inner.slice(0, -mark.length).trimEnd() : inner;
}

function trimBlankLines(text: string): string {
  return text.replace(/^(?:[ \t]*\n)+/, "").trimEnd();
}

function dedent(text: string): string {
  const lines = text.split("\n");
  let common = Number.POSITIVE_INFINITY;
  for (const line of lines) {
    if (line.trim() === "") continue;
    common = Math.min(common, /^[ \t]*/.exec(line)?.[0].length ?? 0);
  }
  return common > 0 && Number.isFinite(common)
    ? lines.map((line) => line.slice(common)).join("\n")
    : text;
}

/** A session of an interpreter: only what was typed counts. */
function withoutPrompts(text: string): string {
  const lines = text.split("\n");
  if (!lines.some((line) => /^(?:>>> |In \[\d+\]: )/.test(line))) return text;
  const typed = lines.filter((line) => PROMPT_LINE.test(line));
  return typed.map((line) => line.replace(PROMPT_LINE, "")).join("\n");
}

function unescapeTwice(text: string): string {
  return text.replace(/\\([ntr"'\\])/g, (_, char: string) =>
    char === "n" ? "\n" : char === "t" ? "\t" : char === "r" ? "" : char,
  );
}

function decodeEntities(text: string): string {
  return text.replace(
    /&(?:lt|gt|quot|amp|#39|#x27|apos);/g,
    (entity) => ENTITIES[entity] ?? entity,
  );
}

/** Finds code in an answer that is prose: fences, tags, or lines that look like Python. */

import { inlineCode, taggedCode } from "./marked-code.js";
import { looksLikePython, mayGoOn } from "./python-lines.js";

interface Block {
  readonly language: string;
  readonly code: string;
  /** The prose just before it. */
  readonly before: string;
  /** The answer ended within it. */
  readonly open: boolean;
}

export interface FoundCode {
  /** The likeliest first. */
  readonly pieces: readonly string[];
  /** The last of the code has no end. */
  readonly open: boolean;
  /** What is not code. */
  readonly prose: string;
}

const PYTHON = new Set([
  "",
  "python",
  "python3",
  "py",
  "py3",
  "ipython",
  "pycon",
  "tool_code",
  "code",
]);
/** Of the prose before a block: its last words say what the block is. */
const BEFORE_CHARACTERS_MAX = 300;

export function findCode(text: string): FoundCode {
  const { blocks, prose } = fencedBlocks(text);
  const pythonic = blocks.filter(({ language }) => PYTHON.has(language.toLowerCase()));
  if (pythonic.length > 0) {
    return { pieces: inOrder(pythonic), open: pythonic.at(-1)?.open ?? false, prose };
  }
  for (const find of [inlineCode, taggedCode]) {
    const marked = find(text);
    if (marked.codes.length > 0) {
      return { pieces: joined(marked.codes), open: false, prose: marked.prose };
    }
  }
  return bareCode(prose);
}

interface Fence {
  readonly mark: string;
  readonly language: string;
}

interface OpenBlock extends Fence {
  readonly lines: string[];
  readonly before: string;
}

function fencedBlocks(text: string): { blocks: Block[]; prose: string } {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: OpenBlock | undefined;
  for (const line of text.split("\n")) {
    const fence = fenceOf(line);
    if (!open) {
      if (fence) open = { ...fence, lines: [], before: lastWords(prose) };
      else prose.push(line);
      continue;
    }
    const ends = fence?.language === "" && fence.mark.startsWith(open.mark);
    const last = ends ? undefined : codeBeforeFence(line);
    if (!ends) open.lines.push(last ?? line);
    if (!ends && last === undefined) continue;
    blocks.push({ ...open, code: open.lines.join("\n"), open: false });
    open = undefined;
  }
  if (open) blocks.push({ ...open, code: open.lines.join("\n"), open: true });
  return { blocks: blocks.filter(({ code }) => code.trim() !== ""), prose: prose.join("\n") };
}

/** A line that is nothing but a fence, with the language that it may name. */
function fenceOf(line: string): Fence | undefined {
  const start = line.replace(/^[\s>]+/, "");
  const mark = /^(?:`{3,}|~{3,})/.exec(start)?.[0];
  if (mark === undefined) return undefined;
  const rest = start.slice(mark.length);
  if (rest.includes("`")) return undefined;
  return { mark, language: /^\{?\.?([\w+#-]*)/.exec(rest.trimStart())?.[1] ?? "" };
}

/** The last of the code, where the end of its fence shares its line. */
function codeBeforeFence(line: string): string | undefined {
  const text = line.trimEnd();
  if (!text.endsWith("```")) return undefined;
  return text.slice(0, -"```".length).trimEnd() || undefined;
}

function lastWords(prose: readonly string[]): string {
  return prose.slice(-3).join("\n").slice(-BEFORE_CHARACTERS_MAX);
}

const WHOLE =
  /\b(?:complete|full|final|corrected|fixed|entire|whole|updated|putting it all together)\b/i;
const OTHER_WAY =
  /\balternativ|\b(?:or you (?:can|could)|another (?:way|option)|instead|simpler|shorter)\b/i;
const SHOWN_OUTPUT = /\b(?:output|result|prints?|shows?|displays?)\b[^\n]{0,40}:?\s*$/i;

/** Several blocks are steps of one program, unless the words before them say otherwise. */
function inOrder(blocks: readonly Block[]): string[] {
  const program = blocks.filter(
    ({ language, before }, index) => index === 0 || language !== "" || !SHOWN_OUTPUT.test(before),
  );
  const whole = program.findLast(({ before }, index) => index > 0 && WHOLE.test(before));
  const steps = program.filter(({ before }, index) => index === 0 || !OTHER_WAY.test(before));
  const codes = (some: readonly Block[]) => some.map(({ code }) => code);
  return [...(whole ? [whole.code] : []), ...joined(codes(steps)), ...codes(program)];
}

/** All of them as one program, then the last alone, then the longest. */
function joined(codes: readonly string[]): string[] {
  const different = [...new Set(codes)];
  const longest = different.toSorted((a, b) => b.length - a.length)[0] ?? "";
  return [different.join("\n\n"), different.at(-1) ?? "", longest];
}

/** From the first line that looks like code to the last, without the prose around it. */
function bareCode(text: string): FoundCode {
  const lines = text.split("\n");
  const first = lines.findIndex(looksLikePython);
  if (first >= 0) {
    const last = lines.findLastIndex((line) => looksLikePython(line) || mayGoOn(line));
    const prose = [...lines.slice(0, first), ...lines.slice(last + 1)].join("\n");
    return { pieces: [lines.slice(first, last + 1).join("\n")], open: false, prose };
  }
  // An expression alone, such as `[x * x for x in range(5)]`.
  const isShort = lines.length <= 3 && /[()[\]*/+]/.test(text) && !/[.!?]\s*$/.test(text);
  const words = text.match(/[A-Za-z]{3,}/g)?.length ?? 0;
  return isShort && words < 8 && text.trim() !== ""
    ? { pieces: [text], open: false, prose: "" }
    : { pieces: [], open: false, prose: text };
}

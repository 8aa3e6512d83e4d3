/** Finds code in an answer that is prose: fences, tags, or lines that look like Python. */

interface Block {
  readonly language: string;
  readonly code: string;
  /** The prose just before it. */
  readonly before: string;
  /** The answer ended inside of it. */
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
const FENCE = /^[\s>]*(`{3,}|~{3,})\s*\{?\.?([\w+#-]*)[^`\n]*$/;
const ONE_LINE_FENCE = /```(?:python3?|py)?[ \t]+([^`\n]+?)[ \t]*```/gi;
const TAGGED =
  /<(code|python|execute_python|tool_code|script|execute)(?:\s[^>]*)?>\s*(?:<!\[CDATA\[)?([\s\S]*?)(?:\]\]>)?\s*<\/\1>|\[(PYTHON|CODE)\]([\s\S]*?)\[\/\3\]/gi;

export function findCode(text: string): FoundCode {
  const { blocks, prose } = fencedBlocks(text);
  const pythonic = blocks.filter(({ language }) => PYTHON.has(language.toLowerCase()));
  if (pythonic.length > 0) {
    return { pieces: inOrder(pythonic), open: pythonic.at(-1)?.open ?? false, prose };
  }
  const inline = [...text.matchAll(ONE_LINE_FENCE)].map((match) => match[1] ?? "");
  if (inline.length > 0) {
    return { pieces: joined(inline), open: false, prose: text.replace(ONE_LINE_FENCE, "") };
  }
  const tagged = [...text.matchAll(TAGGED)].map((match) => match[2] ?? match[4] ?? "");
  if (tagged.length > 0) {
    return { pieces: joined(tagged), open: false, prose: text.replace(TAGGED, "") };
  }
  return bareCode(prose);
}

function fencedBlocks(text: string): { blocks: Block[]; prose: string } {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let fence: { mark: string; language: string; lines: string[]; before: string } | undefined;
  for (const line of text.split("\n")) {
    const match = FENCE.exec(line);
    if (!fence) {
      if (match) {
        const before = prose.slice(-3).join("\n");
        fence = { mark: match[1] ?? "", language: match[2] ?? "", lines: [], before };
      } else prose.push(line);
    } else if (match && match[2] === "" && match[1]?.startsWith(fence.mark)) {
      blocks.push({ ...fence, code: fence.lines.join("\n"), open: false });
      fence = undefined;
    } else {
      // The end of a fence that shares its line with the last of the code.
      const ending = /^(.*\S)\s*```\s*$/.exec(line)?.[1];
      fence.lines.push(ending ?? line);
      if (ending !== undefined) {
        blocks.push({ ...fence, code: fence.lines.join("\n"), open: false });
        fence = undefined;
      }
    }
  }
  if (fence) blocks.push({ ...fence, code: fence.lines.join("\n"), open: true });
  return { blocks: blocks.filter(({ code }) => code.trim() !== ""), prose: prose.join("\n") };
}

const WHOLE =
  /\b(?:complete|full|final|corrected|fixed|entire|whole|updated|putting it all together)\b/i;
const OTHER_WAY =
  /\b(?:alternativ\w*|or you (?:can|could)|another (?:way|option)|instead|simpler|shorter)\b/i;
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
  const different = codes.filter((code, index) => codes.indexOf(code) === index);
  const longest = different.toSorted((a, b) => b.length - a.length)[0] ?? "";
  return [different.join("\n\n"), different.at(-1) ?? "", longest];
}

const PYTHON_LINE =
  /^(?:import \w|from [\w.]+ import |(?:async )?def \w+\(|class \w+[:(]|@\w|(?:if|elif|while|with|for|match) .*:\s*(?:#.*)?$|(?:try|else|finally):|except\b.*:|(?:return|raise|assert|del|global|yield|await) ?\S*|print\(|[A-Za-z_][\w.]*(?:\[[^\]]*\])*(?:\s*,\s*[A-Za-z_]\w*)*\s*(?:[-+*/%|&]|\/\/|\*\*)?=(?!=)\s*\S|[A-Za-z_][\w.]*\(.*\)?[,:]?\s*$|#\s|[%!]\w|>>> )/;
const WORDS = /^[A-Z"']?[A-Za-z',;-]+(?: [A-Za-z0-9'",;()-]+){3,}[.:!?]$/;

function looksLikePython(line: string): boolean {
  return PYTHON_LINE.test(line) && !WORDS.test(line);
}

/** From the first line that looks like code to the last, without the prose around it. */
function bareCode(text: string): FoundCode {
  const lines = text.split("\n");
  const first = lines.findIndex(looksLikePython);
  if (first >= 0) {
    const last = lines.findLastIndex(
      (line) => looksLikePython(line) || /^(?:\s+\S|[)\]}])/.test(line),
    );
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

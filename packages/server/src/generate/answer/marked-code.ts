/** Code that an answer marks within its lines, or by tags. Every scan reads the text once. */

export interface MarkedCode {
  readonly codes: readonly string[];
  /** What is not marked. */
  readonly prose: string;
}

/** Neither can begin inside another, so that no part is read again from the next beginning. */
const ONE_LINE_FENCE = /```(?:python3?|py)?[ \t]([^`\n]+)```/gi;
const TAG =
  /<(\/?)(code|python|execute_python|tool_code|script|execute)(?:\s[^<>]*)?>|\[(\/?)(PYTHON|CODE)\]/gi;
const CDATA = "<![CDATA[";
const CDATA_END = "]]>";

/** Fences that begin and end in one line. */
export function inlineCode(text: string): MarkedCode {
  const codes = [...text.matchAll(ONE_LINE_FENCE)].map(([, code = ""]) => code.trim());
  return { codes, prose: codes.length === 0 ? text : text.replace(ONE_LINE_FENCE, "") };
}

interface Tag {
  readonly name: string;
  readonly closes: boolean;
  readonly start: number;
  readonly end: number;
}

/** What stands between `<code>` and `</code>`, `[PYTHON]` and `[/PYTHON]`, and their like. */
export function taggedCode(text: string): MarkedCode {
  const tags = tagsIn(text);
  const lastClosing = new Map<string, number>();
  for (const { name, closes, start } of tags) if (closes) lastClosing.set(name, start);
  const codes: string[] = [];
  const prose: string[] = [];
  let open: Tag | undefined;
  let after = 0;
  for (const tag of tags) {
    if (!open) {
      if (!tag.closes && (lastClosing.get(tag.name) ?? -1) > tag.start) open = tag;
    } else if (tag.closes && tag.name === open.name) {
      codes.push(contentOf(open, text.slice(open.end, tag.start)));
      prose.push(text.slice(after, open.start));
      after = tag.end;
      open = undefined;
    }
  }
  return { codes, prose: prose.join("") + text.slice(after) };
}

function tagsIn(text: string): Tag[] {
  return [...text.matchAll(TAG)].map((match) => {
    const [whole, slash = "", word, bracketSlash = "", bracketWord] = match;
    return {
      name: word?.toLowerCase() ?? `[${bracketWord?.toLowerCase()}`,
      closes: slash + bracketSlash !== "",
      start: match.index,
      end: match.index + whole.length,
    };
  });
}

function contentOf({ name }: Tag, text: string): string {
  // Blanks before the first line of the other form are its indentation.
  if (name.startsWith("[")) return text;
  let content = text.trim();
  if (content.startsWith(CDATA)) content = content.slice(CDATA.length);
  if (content.endsWith(CDATA_END)) content = content.slice(0, -CDATA_END.length);
  return content.trimEnd();
}

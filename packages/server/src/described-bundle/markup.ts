/** Words of HTML and SVG, read once from the beginning; nothing is parsed. */

/** So much is looked at. */
const CHARACTERS_LOOKED_AT = 100_000;
const WORDS_CHARACTERS_MAX = 300;
const TAG_CHARACTERS_MAX = 4000;

/** What is no part of what is read. */
const UNREAD = ["script", "style", "metadata"];

/** The first words of a page, without tags, scripts and styles. */
export function wordsOf(markup: string): string {
  const page = markup.slice(0, CHARACTERS_LOOKED_AT);
  const lower = page.toLowerCase();
  let words = "";
  let at = 0;
  while (at < page.length && words.length <= WORDS_CHARACTERS_MAX) {
    const tag = page.indexOf("<", at);
    if (tag < 0) return joined(words, page.slice(at));
    words = joined(words, page.slice(at, tag));
    const unread = UNREAD.find((name) => lower.startsWith(name, tag + 1));
    const end = unread ? lower.indexOf(`</${unread}`, tag) : tag;
    const close = end < 0 ? -1 : page.indexOf(">", end);
    if (close < 0) return words;
    at = close + 1;
  }
  return words;
}

function joined(words: string, text: string): string {
  const next = text
    .slice(0, 2 * WORDS_CHARACTERS_MAX)
    .split(/\s/)
    .filter(Boolean)
    .join(" ");
  return words === "" || next === "" ? words + next : `${words} ${next}`;
}

/** The text of the first element of this name, without tags; undefined where there is none. */
export function textOfFirst(markup: string, name: string): string | undefined {
  const page = markup.slice(0, CHARACTERS_LOOKED_AT);
  const begin = tagAt(page, name);
  if (begin < 0) return undefined;
  const close = page.indexOf(">", begin);
  const end = close < 0 ? -1 : page.indexOf(`</${name}`, close);
  return end < 0 ? undefined : wordsOf(page.slice(close + 1, end));
}

/** The first tag of this name, as it stands but for its end; undefined where there is none. */
export function firstTag(markup: string, name: string): string | undefined {
  const begin = tagAt(markup.slice(0, CHARACTERS_LOOKED_AT), name);
  if (begin < 0) return undefined;
  const tag = markup.slice(begin, begin + TAG_CHARACTERS_MAX);
  const end = tag.indexOf(">");
  return end < 0 ? tag : tag.slice(0, end);
}

/** An attribute's value in a tag, in double or in single quotes. */
export function attributeIn(tag: string, name: string): string | undefined {
  for (const quote of ['"', "'"]) {
    const before = ` ${name}=${quote}`;
    const begin = tag.replaceAll("\n", " ").indexOf(before);
    if (begin < 0) continue;
    const end = tag.indexOf(quote, begin + before.length);
    return tag.slice(begin + before.length, end < 0 ? undefined : end);
  }
  return undefined;
}

/** "<title>" and "<title lang=…", not "<titles>". */
function tagAt(page: string, name: string): number {
  const lower = page.toLowerCase();
  for (let at = lower.indexOf(`<${name}`); at >= 0; at = lower.indexOf(`<${name}`, at + 1)) {
    const next = lower.charAt(at + 1 + name.length);
    if (next === "" || "> \t\r\n/".includes(next)) return at;
  }
  return -1;
}

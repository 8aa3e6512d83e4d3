/**
 * Words for what a MIME bundle shows where it has neither an image nor a text that says anything: a chart by its title
 * and series, a page by its first words. All of it is a guest's, so every part is looked at and bounded. May
 * import mime.
 */

import { imageIn, type MimeBundle, markdownIn, plainTextIn } from "./mime.js";

const NAME_CHARACTERS_MAX = 80;
const SERIES_MAX = 10;
const WORDS_CHARACTERS_MAX = 300;
/** So much of a page is looked at for its first words. */
const PAGE_CHARACTERS_MAX = 100_000;
const PLAIN_CHARACTERS_MAX = 300;

/** The text of a bundle without an image; undefined where it has one, or nothing at all. */
export function textInBundle(data: MimeBundle): string | undefined {
  if (imageIn(data)) return plainTextIn(data);
  const plain = plainTextIn(data);
  if (plain !== undefined && !isPlaceholder(plain)) return plain;
  return describe(data) ?? plain;
}

/** What Python says of an object whose other forms say more. */
function isPlaceholder(plain: string): boolean {
  if (plain.length > PLAIN_CHARACTERS_MAX) return plain.startsWith("Figure({");
  return (plain.startsWith("<") && plain.includes(">")) || plain.startsWith("Figure({");
}

type Fields = Readonly<Record<string, unknown>>;

function describe(data: MimeBundle): string | undefined {
  for (const [type, value] of Object.entries(data)) {
    if (/^application\/vnd\.plotly\.v\d+\+json$/.test(type)) return describePlotly(value);
    if (/^application\/vnd\.vega(lite)?\.v\d+(\.\d+)*\+json$/.test(type))
      return describeVega(value);
  }
  const written = markdownIn(data) ?? data["text/latex"];
  if (typeof written === "string") return written;
  const page = data["text/html"];
  if (typeof page === "string") return describePage(page);
  const json = data["application/json"];
  if (json !== undefined) return isSmall(json) ? JSON.stringify(json, undefined, 2) : "(JSON)";
  const types = Object.keys(data).filter((type) => type !== "text/plain");
  if (types.length === 0) return undefined;
  return `(${types
    .map((type) => bounded(type, NAME_CHARACTERS_MAX))
    .slice(0, SERIES_MAX)
    .join(", ")})`;
}

function describePlotly(value: unknown): string {
  const { data, layout } = fieldsOf(value);
  const title = titleOf(fieldsOf(layout)["title"]);
  const series = Array.isArray(data) ? data : [];
  const told = series.slice(0, SERIES_MAX).map((one) => describeTrace(fieldsOf(one)));
  return chart("plotly", title, told, series.length);
}

function describeTrace(trace: Fields): string {
  const kind = typeof trace["type"] === "string" ? trace["type"] : "scatter";
  const name = trace["name"];
  const named = typeof name === "string" && name !== "" ? ` ${quoted(name)}` : "";
  const count = Math.max(
    ...["x", "y", "z", "values", "labels", "lat"].map((field) => lengthOf(trace[field])),
  );
  const points = count > 0 ? ` (${count} ${count === 1 ? "value" : "values"})` : "";
  return `${bounded(kind, NAME_CHARACTERS_MAX)}${named}${points}`;
}

/** A list, or numbers in base64 as newer versions of plotly send them. */
function lengthOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  const { bdata, dtype } = fieldsOf(value);
  if (typeof bdata !== "string" || typeof dtype !== "string") return 0;
  const bytes = Number(/\d$/.exec(dtype)?.[0] ?? 0);
  return bytes > 0 ? Math.floor((bdata.length * 3) / 4 / bytes) : 0;
}

function describeVega(value: unknown): string {
  const chartFields = fieldsOf(value);
  const { mark, encoding, layer } = chartFields;
  const parts = Array.isArray(layer) ? layer.map(fieldsOf) : [{ mark, encoding }];
  const told = parts.slice(0, SERIES_MAX).map((part) => {
    const kind = typeof part["mark"] === "string" ? part["mark"] : fieldsOf(part["mark"])["type"];
    const fields = Object.entries(fieldsOf(part["encoding"]))
      .slice(0, SERIES_MAX)
      .flatMap(([channel, one]) => {
        const { field } = fieldsOf(one);
        return typeof field === "string" ? [`${bounded(channel, 20)}: ${quoted(field)}`] : [];
      });
    const shown = typeof kind === "string" ? bounded(kind, NAME_CHARACTERS_MAX) : "marks";
    return fields.length > 0 ? `${shown} (${fields.join(", ")})` : shown;
  });
  return chart("Vega", titleOf(chartFields["title"]), told, parts.length);
}

function chart(by: string, title: string, told: readonly string[], count: number): string {
  const more = count > told.length ? `, and ${count - told.length} more` : "";
  return `(a ${by} chart${title}${told.length > 0 ? `: ${told.join(", ")}${more}` : ""})`;
}

/** A text, or an object that has it. */
function titleOf(title: unknown): string {
  const text = typeof title === "string" ? title : fieldsOf(title)["text"];
  return typeof text === "string" && text !== "" ? ` ${quoted(text)}` : "";
}

/** Its title or its first words, without tags, scripts and styles. */
function describePage(page: string): string {
  const words = bounded(wordsOf(page.slice(0, PAGE_CHARACTERS_MAX)), WORDS_CHARACTERS_MAX);
  return `(HTML, ${page.length} characters${words === "" ? "" : `: ${words}`})`;
}

/** Goes through the page once. */
function wordsOf(page: string): string {
  const lower = page.toLowerCase();
  let words = "";
  let at = 0;
  while (at < page.length && words.length <= WORDS_CHARACTERS_MAX) {
    const tag = page.indexOf("<", at);
    if (tag < 0) return joined(words, page.slice(at));
    words = joined(words, page.slice(at, tag));
    const unread = ["script", "style"].find((name) => lower.startsWith(name, tag + 1));
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

const VALUES_MAX = 200;
const JSON_CHARACTERS_MAX = 4000;

/** Looks at no more of it than that. */
function isSmall(json: unknown): boolean {
  const open = [json];
  let characters = 0;
  for (let at = 0; at < open.length; at++) {
    const value = open[at];
    if (typeof value === "string") characters += value.length;
    // The names of a long list would all be made before the first is looked at.
    if (Array.isArray(value) && value.length > VALUES_MAX) return false;
    if (typeof value === "object" && value !== null) {
      for (const name in value) {
        characters += name.length;
        open.push((value as Record<string, unknown>)[name]);
        if (open.length > VALUES_MAX) return false;
      }
    }
    if (characters > JSON_CHARACTERS_MAX) return false;
  }
  return true;
}

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

function quoted(text: string): string {
  return `"${bounded(text, NAME_CHARACTERS_MAX)}"`;
}

function bounded(text: string, charactersMax: number): string {
  const line = text.slice(0, charactersMax + 1).replaceAll("\n", " ");
  return line.length > charactersMax ? `${line.slice(0, charactersMax).toWellFormed()}…` : line;
}

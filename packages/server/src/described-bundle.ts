/**
 * Words for what a MIME bundle shows where it has neither an image that can be seen nor a text that says anything: a
 * chart by its title and series, a page by its first words, a sound by its length. All of it is a guest's, so every part
 * is looked at and bounded. May import mime.
 */

import { describePlotly, describeVega } from "./described-bundle/charts.js";
import { describeGeoJson, describeJson } from "./described-bundle/json.js";
import {
  describeMedium,
  describePage,
  describePdf,
  describeSvg,
} from "./described-bundle/media.js";
import { bounded, counted, THINGS_MAX } from "./described-bundle/words.js";
import { imageIn, type MimeBundle, markdownIn, plainTextIn, textContent } from "./mime.js";

const PLAIN_CHARACTERS_MAX = 300;
const CLASS_CHARACTERS_MAX = 80;

/** The text of a bundle; undefined where it has an image that says all, or nothing. */
export function textInBundle(data: MimeBundle): string | undefined {
  const plain = plainTextIn(data);
  const isTelling = plain !== undefined && !isPlaceholder(plain);
  const image = imageIn(data);
  if (image) {
    return image.mimeType === "image/svg+xml" && !isTelling ? describeSvg(image.content) : plain;
  }
  const chart = describeChart(data);
  if (chart !== undefined) return isTelling && !isRepr(plain) ? `${plain}\n${chart}` : chart;
  if (isTelling) return (isRepr(plain) ? markdownIn(data) : undefined) ?? plain;
  return describe(data) ?? plain;
}

/** What Python says of an object whose other forms say more. */
function isPlaceholder(plain: string): boolean {
  if (plain.length > PLAIN_CHARACTERS_MAX) return plain.startsWith("Figure({");
  return (plain.startsWith("<") && plain.includes(">")) || plain.startsWith("Figure({");
}

/** "alt.Chart(...)", "{'mark': …}": how to make the object, which is what a chart's text tends to be. */
function isRepr(plain: string): boolean {
  if (plain.startsWith("{")) return true;
  const name = plain.slice(0, CLASS_CHARACTERS_MAX).split("(", 1)[0] ?? "";
  return plain.endsWith(")") && name.length < plain.length && /^[\w.]+$/.test(name);
}

function describeChart(data: MimeBundle): string | undefined {
  for (const [type, value] of Object.entries(data)) {
    if (/^application\/vnd\.plotly\.v\d+\+json$/.test(type)) return describePlotly(value);
    if (/^application\/vnd\.vega(lite)?\.v\d+(\.\d+)*\+json$/.test(type))
      return describeVega(value);
  }
  return undefined;
}

function describe(data: MimeBundle): string | undefined {
  const written = markdownIn(data) ?? textContent(data["text/latex"]);
  if (written !== undefined) return written;
  const pdf = textContent(data["application/pdf"]);
  if (pdf !== undefined) return describePdf(pdf);
  for (const [type, value] of Object.entries(data)) {
    const isMedium = type.startsWith("audio/") || type.startsWith("video/");
    const content = isMedium ? textContent(value) : undefined;
    if (content !== undefined) return describeMedium(type, content);
  }
  const page = textContent(data["text/html"]);
  if (page !== undefined) return describePage(page);
  if (data["application/geo+json"] !== undefined) {
    return describeGeoJson(data["application/geo+json"]);
  }
  const json = data["application/json"];
  if (json !== undefined) return describeJson(json);
  const script = textContent(data["application/javascript"]);
  if (script !== undefined) return `(JavaScript, ${counted(script.length, "character")})`;
  const types = Object.keys(data).filter((type) => type !== "text/plain");
  if (types.length === 0) return undefined;
  return `(${types
    .map((type) => bounded(type))
    .slice(0, THINGS_MAX)
    .join(", ")})`;
}

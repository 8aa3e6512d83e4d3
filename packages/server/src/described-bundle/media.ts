/** Sound, film, documents and drawings, by what their first bytes and tags say. */

import { attributeIn, firstTag, textOfFirst, wordsOf } from "./markup.js";
import { bounded, bytesOfBase64, counted, quoted, size } from "./words.js";

/** Base64 characters of a document that are searched for pages; in a longer one nobody counts. */
const PDF_CHARACTERS_MAX = 2 ** 20;
const HEADER_CHARACTERS = 64;
const WORDS_CHARACTERS_MAX = 300;
const ADDRESS_CHARACTERS_MAX = 200;

/** `type`: such as audio/wav. */
export function describeMedium(type: string, base64: string): string {
  const seconds = secondsOf(base64);
  const kind = type.startsWith("video/") ? "a video" : "a sound";
  const length = seconds === undefined ? "" : `, ${seconds} s`;
  return `(${kind}: ${bounded(type)}, ${size(bytesOfBase64(base64.length))}${length})`;
}

/** Of the sound that numbers become: a WAV says how many bytes a second has. */
function secondsOf(base64: string): number | undefined {
  const header = Buffer.from(base64.slice(0, HEADER_CHARACTERS), "base64");
  if (header.length < 44 || header.toString("latin1", 0, 4) !== "RIFF") return undefined;
  const perSecond = header.readUInt32LE(28);
  if (header.toString("latin1", 8, 12) !== "WAVE" || perSecond === 0) return undefined;
  return Number(((bytesOfBase64(base64.length) - 44) / perSecond).toFixed(1));
}

export function describePdf(base64: string): string {
  const pages = base64.length > PDF_CHARACTERS_MAX ? 0 : pagesOf(base64);
  const shown = pages > 0 ? `${counted(pages, "page")}, ` : "";
  return `(a PDF: ${shown}${size(bytesOfBase64(base64.length))})`;
}

/** 0 where the pages are in compressed parts. */
function pagesOf(base64: string): number {
  const bytes = Buffer.from(base64, "base64");
  let pages = 0;
  for (const mark of ["/Type /Page", "/Type/Page"]) {
    for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + 1)) {
      // Not /Pages, the list of them.
      if (bytes[at + mark.length] !== 0x73) pages++;
    }
  }
  return pages;
}

/** A drawing by its title, its size and its words. */
export function describeSvg(svg: string): string {
  const title = textOfFirst(svg, "title") ?? "";
  const tag = firstTag(svg, "svg") ?? "";
  const [width, height] = ["width", "height"].map((name) => attributeIn(tag, name));
  const box = attributeIn(tag, "viewbox") ?? attributeIn(tag, "viewBox");
  const parts = [
    width && height ? `${bounded(width, 20)} × ${bounded(height, 20)}` : "",
    box && !(width && height) ? `view ${bounded(box, 40)}` : "",
    counted(svg.length, "character"),
  ].filter((part) => part !== "");
  const words = bounded(wordsOf(svg), WORDS_CHARACTERS_MAX);
  const text = words === "" || words === title ? "" : `: ${words}`;
  return `(an SVG drawing${title === "" ? "" : ` ${quoted(title)}`}, ${parts.join(", ")}${text})`;
}

/** A page by its title or its first words, and by what it plays or shows where that is all there is. */
export function describePage(page: string): string {
  return describePlayer(page) ?? describeFrame(page) ?? describeText(page);
}

/** For browsers that cannot play it. */
const NO_PLAYER = "Your browser does not support";

/** What IPython's Audio and Video make. */
function describePlayer(page: string): string | undefined {
  const name = ["audio", "video"].find((one) => firstTag(page, one) !== undefined);
  if (name === undefined) return undefined;
  const words = wordsOf(page);
  if (words !== "" && !words.startsWith(NO_PLAYER)) return undefined;
  const data = `src="data:${name}/`;
  const begin = page.indexOf(data);
  if (begin >= 0) {
    const typed = page.slice(begin + data.length, begin + data.length + ADDRESS_CHARACTERS_MAX);
    const comma = typed.indexOf(",");
    const end = page.indexOf('"', begin + data.length);
    if (comma < 0 || end < 0) return undefined;
    const [subtype = ""] = typed.slice(0, comma).split(";");
    return describeMedium(`${name}/${subtype}`, page.slice(begin + data.length + comma + 1, end));
  }
  const tags = [name, "source"].map((one) => firstTag(page, one) ?? "");
  const address = tags.map((tag) => attributeIn(tag, "src")).find(Boolean);
  const kind = name === "audio" ? "a sound" : "a video";
  return address === undefined
    ? undefined
    : `(${kind}: ${bounded(address, ADDRESS_CHARACTERS_MAX)})`;
}

/** Another page inside, or an image that lies elsewhere. */
function describeFrame(page: string): string | undefined {
  if (wordsOf(page) !== "") return undefined;
  for (const [name, kind] of [
    ["iframe", "a page"],
    ["img", "an image"],
  ] as const) {
    const address = attributeIn(firstTag(page, name) ?? "", "src");
    if (address && !address.startsWith("data:"))
      return `(${kind}: ${bounded(address, ADDRESS_CHARACTERS_MAX)})`;
  }
  return undefined;
}

function describeText(page: string): string {
  const words = bounded(wordsOf(page), WORDS_CHARACTERS_MAX);
  return `(HTML, ${counted(page.length, "character")}${words === "" ? "" : `: ${words}`})`;
}

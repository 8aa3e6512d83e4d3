/** The type of a file, by the end of its name. Browsers are told to rely on it alone. */

const UTF_8 = "; charset=utf-8";
const TYPES: Readonly<Record<string, string>> = {
  csv: `text/csv${UTF_8}`,
  tsv: `text/tab-separated-values${UTF_8}`,
  txt: `text/plain${UTF_8}`,
  log: `text/plain${UTF_8}`,
  py: `text/x-python${UTF_8}`,
  md: `text/markdown${UTF_8}`,
  html: `text/html${UTF_8}`,
  htm: `text/html${UTF_8}`,
  css: `text/css${UTF_8}`,
  js: `text/javascript${UTF_8}`,
  mjs: `text/javascript${UTF_8}`,
  xml: `application/xml${UTF_8}`,
  yaml: `application/yaml${UTF_8}`,
  yml: `application/yaml${UTF_8}`,
  toml: `application/toml${UTF_8}`,
  json: "application/json",
  geojson: "application/geo+json",
  jsonl: "application/x-ndjson",
  ndjson: "application/x-ndjson",
  ipynb: "application/x-ipynb+json",
  parquet: "application/vnd.apache.parquet",
  arrow: "application/vnd.apache.arrow.file",
  feather: "application/vnd.apache.arrow.file",
  xlsx: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  docx: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
  pptx: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
  xls: "application/vnd.ms-excel",
  pdf: "application/pdf",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  bmp: "image/bmp",
  tif: "image/tiff",
  tiff: "image/tiff",
  svg: "image/svg+xml",
  wav: "audio/wav",
  mp3: "audio/mpeg",
  ogg: "audio/ogg",
  flac: "audio/flac",
  mp4: "video/mp4",
  webm: "video/webm",
  zip: "application/zip",
  tar: "application/x-tar",
  gz: "application/gzip",
  sqlite: "application/vnd.sqlite3",
  db: "application/vnd.sqlite3",
};

export function contentTypeOf(name: string): string {
  const end = name.slice(name.lastIndexOf(".") + 1).toLowerCase();
  return Object.hasOwn(TYPES, end) && end !== name ? (TYPES[end] as string) : BYTES;
}

const BYTES = "application/octet-stream";

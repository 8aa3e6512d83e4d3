/** Data sets of Hugging Face: the list of files of one, by the public API. */

import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { withoutTrailing } from "../../config/text.js";
import type { Expectation } from "./download.js";
import { DataFailure, plainText } from "./failure.js";
import { safeSegments } from "./names.js";
import { checkedUrl, request, type Source, shown, Transient, withRetries } from "./requests.js";
import { Wildcard } from "./wildcard.js";

const REFERENCE = /^hf:([A-Za-z0-9][\w.-]{0,95})\/([A-Za-z0-9][\w.-]{0,95})(?:@([\w./-]{1,200}))?$/;
const PAGES_MAX = 1000;
const FILES_MAX = 200_000;
const PAGE_BYTES_MAX = 32 * 1024 * 1024;

const Digest = (length: number) =>
  Type.String({ minLength: length, maxLength: length, pattern: "^[0-9a-f]+$" });
const Page = Type.Array(
  Type.Object({
    type: Type.String(),
    path: Type.String({ minLength: 1, maxLength: 4096 }),
    size: Type.Optional(Type.Integer({ minimum: 0 })),
    oid: Type.Optional(Type.String()),
    lfs: Type.Optional(Type.Object({ oid: Digest(64), size: Type.Integer({ minimum: 0 }) })),
  }),
);
const page = Compile(Page);
const gitName = Compile(Digest(40));

export interface DataSet {
  readonly owner: string;
  readonly name: string;
  readonly revision: string;
}

export interface RemoteFile {
  readonly source: Source;
  readonly segments: readonly string[];
  readonly expected: Expectation;
}

export interface HubOptions {
  readonly endpoint: string;
  readonly token: string | undefined;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** @throws DataFailure */
export function parseReference(text: string): DataSet {
  const [, owner, name, revision = "main"] = REFERENCE.exec(text) ?? [];
  if (owner === undefined || name === undefined || revision.split("/").includes("..")) {
    throw new DataFailure(
      `"${plainText(text)}" is not hf:OWNER/DATASET or hf:OWNER/DATASET@REVISION`,
    );
  }
  return { owner, name, revision };
}

/** Every file of the data set, whose path fits one of the patterns if there are any. */
export async function listFiles(
  { owner, name, revision }: DataSet,
  include: readonly string[],
  options: HubOptions,
): Promise<RemoteFile[]> {
  const base = checkedUrl(`${withoutTrailing(options.endpoint, "/")}/`);
  const at = `datasets/${owner}/${name}`;
  const wildcards = include.map((text) => new Wildcard(text));
  const files = new Map<string, RemoteFile>();
  const tree = `api/${at}/tree/${encodeURIComponent(revision)}?recursive=true`;
  let next: URL | undefined = checkedUrl(tree, base);
  for (let pages = 0; next; pages++) {
    if (pages === PAGES_MAX || files.size > FILES_MAX) {
      throw new DataFailure("the data set has more files than can be listed");
    }
    const url: URL = next;
    const { entries, following } = await withRetries(() => readPage(url, base, options), {
      signal: options.signal,
      say: options.say,
      progress: () => 0,
    });
    for (const { type, path, size, oid, lfs } of entries) {
      if (type !== "file") continue;
      const segments = safeSegments(path);
      if (wildcards.length > 0 && !wildcards.some((wildcard) => wildcard.fits(path))) continue;
      const encoded = segments.map(encodeURIComponent).join("/");
      const place = `${at}/resolve/${encodeURIComponent(revision)}/${encoded}`;
      files.set(path, {
        source: { url: checkedUrl(place, base), token: options.token },
        segments,
        expected: {
          size: lfs?.size ?? size,
          sha256: lfs?.oid,
          gitBlob: !lfs && gitName.Check(oid) ? oid : undefined,
        },
      });
    }
    next = following;
  }
  return [...files.values()];
}

async function readPage(
  url: URL,
  base: URL,
  { token, signal }: HubOptions,
): Promise<{ entries: Type.Static<typeof Page>; following: URL | undefined }> {
  const source = { url, token };
  const answer = await request(source, { accept: "application/json" }, signal);
  const entries = await readJson(answer, url);
  if (!page.Check(entries))
    throw new DataFailure(`${shown(url)} does not answer with a list of files`);
  const link = /<([^<>]{1,4000})>\s*;\s*rel="next"/.exec(answer.headers.get("link") ?? "")?.[1];
  if (link === undefined) return { entries, following: undefined };
  const following = checkedUrl(link, url);
  if (following.origin !== base.origin) {
    throw new DataFailure(`${shown(url)} goes on at another server, ${shown(following)}`);
  }
  return { entries, following };
}

async function readJson(answer: Response, url: URL): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > PAGE_BYTES_MAX) throw new DataFailure(`${shown(url)} answers too much`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof DataFailure) throw error;
    throw new Transient(`${shown(url)}: the connection broke`);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new DataFailure(`${shown(url)} does not answer with JSON`);
  }
}

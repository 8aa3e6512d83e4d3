/** `glovebox data`: downloads data sets to the host, and lists the folders that sandboxes see. */

import { readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { type ParseArgsConfig, parseArgs } from "node:util";
import { type Config, ConfigError } from "../config.js";
import { type Download, download } from "./data/download.js";
import { DownloadProgress } from "./data/download-progress.js";
import { DataFailure } from "./data/failure.js";
import { listFiles, parseReference, type RemoteFile } from "./data/hub.js";
import { formatFolders, reportFolders } from "./data/list.js";
import { nameOfUrl, safeSegments } from "./data/names.js";
import { checkedUrl } from "./data/requests.js";
import { printJson } from "./json-output.js";
import { FolderRefused, openFolder } from "./open-folder.js";
import { formatBytes } from "./terminal/amounts.js";

export const HELP = `Usage: glovebox data COMMAND

  download URL [--to DIR] [--name NAME] [--sha256 HEX]
           a file, over https
  download hf:OWNER/DATASET[@REVISION] [--to DIR] [--name NAME] [--include GLOB]...
           a data set of Hugging Face, all files or those that fit a GLOB
  list     the folders of DATA_MOUNTS, what is in them, and whether they can be shared

  --to DIR             the folder to download to, made if it is not there; default: this one
  --name NAME          the file's or data set's own name there
  --token-file FILE    a token for files that are not public
  --json               machine-readable output, errors included; progress goes to standard error

An interrupted download goes on where it was when the same command is run again.
Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted. docs/data.md says more.
`;
const EXIT_INTERRUPTED = 130;

const OPTIONS = {
  to: { type: "string" },
  name: { type: "string" },
  sha256: { type: "string" },
  include: { type: "string", multiple: true },
  "token-file": { type: "string" },
  json: { type: "boolean", default: false },
} as const;

/** Resolves with the exit code. @throws ConfigError on wrong use */
export async function data(config: Config, [command, ...rest]: readonly string[]): Promise<number> {
  switch (command) {
    case "download":
      return fetchData(config, rest);
    case "list":
      return list(config, rest);
    default:
      process.stderr.write(HELP);
      return 2;
  }
}

function list(config: Config, args: string[]): number {
  const { json } = parsed(args, { json: OPTIONS.json }, false).values;
  const folders = reportFolders(config);
  if (json) printJson({ folders });
  else process.stdout.write(formatFolders(folders));
  return 0;
}

async function fetchData(config: Config, args: string[]): Promise<number> {
  const wish = wishOf(args);
  const interrupt = new AbortController();
  const onSignal = () => interrupt.abort();
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  const progress = new DownloadProgress(process.stderr);
  try {
    const files = await filesOf(wish, config, progress, interrupt.signal);
    const base = wish.base;
    openFolder(base).close();
    const done = await downloadAll(files, realpathSync(base), progress, interrupt.signal);
    if (wish.json) printJson(done);
    return 0;
  } catch (error) {
    if (interrupt.signal.aborted) {
      const message = "interrupted; run the same command again to go on";
      if (wish.json) printJson({ error: { code: "INTERRUPTED", message } });
      progress.say(message);
      return EXIT_INTERRUPTED;
    }
    const { code, message } = error as NodeJS.ErrnoException;
    const isTold = error instanceof DataFailure || error instanceof FolderRefused;
    if (!isTold && code === undefined) throw error;
    if (wish.json) printJson({ error: { code: "FAILED", message } });
    else progress.say(`glovebox data: ${message}`);
    return 1;
  } finally {
    process.off("SIGINT", onSignal);
    process.off("SIGTERM", onSignal);
  }
}

interface Wish {
  readonly what: string;
  readonly isDataSet: boolean;
  readonly base: string;
  readonly name: string | undefined;
  readonly sha256: string | undefined;
  readonly include: readonly string[];
  readonly token: string | undefined;
  readonly json: boolean;
}

function wishOf(args: string[]): Wish {
  const { values, positionals } = parsed(args, OPTIONS, true);
  const [what, ...others] = positionals;
  if (what === undefined || others.length > 0) {
    throw new ConfigError("data download takes one URL or hf:OWNER/DATASET");
  }
  const isDataSet = what.startsWith("hf:");
  const { name, sha256, include = [], to = "." } = values;
  if (sha256 !== undefined && !/^[0-9a-fA-F]{64}$/.test(sha256)) {
    throw new ConfigError("--sha256 takes 64 hexadecimal digits");
  }
  if (isDataSet && sha256 !== undefined) {
    throw new ConfigError("--sha256 is for single files; those of a data set are checked anyway");
  }
  if (!isDataSet && include.length > 0) throw new ConfigError("--include is for data sets");
  if (name !== undefined && (name === "" || /[/\\]/.test(name) || name.startsWith("."))) {
    throw new ConfigError(
      "--name takes a plain name, without slashes and not beginning with a dot",
    );
  }
  const folder = isDataSet ? (name ?? what.slice("hf:".length).split("@")[0]?.split("/")[1]) : "";
  return {
    ...{ what, isDataSet, name, include },
    base: folder ? join(to, folder) : to,
    sha256: sha256?.toLowerCase(),
    token: tokenIn(values["token-file"]),
    json: values.json,
  };
}

function parsed<const T extends NonNullable<ParseArgsConfig["options"]>>(
  args: string[],
  options: T,
  allowPositionals: boolean,
) {
  try {
    return parseArgs({ args, options, allowPositionals });
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

function tokenIn(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  let token: string;
  try {
    token = readFileSync(path, "utf8").trim();
  } catch (error) {
    throw new ConfigError(`--token-file: ${(error as Error).message}`);
  }
  if (!/^[\x21-\x7e]{1,500}$/.test(token)) throw new ConfigError(`${path} does not hold one token`);
  return token;
}

async function filesOf(
  wish: Wish,
  config: Config,
  progress: DownloadProgress,
  signal: AbortSignal,
): Promise<RemoteFile[]> {
  const { token, sha256 } = wish;
  if (!wish.isDataSet) {
    const url = checkedUrl(wish.what);
    const segments = safeSegments(wish.name ?? nameOfUrl(url));
    return [{ source: { url, token }, segments, expected: { sha256 } }];
  }
  const options = { endpoint: config.hubEndpoint, token, signal };
  const say = (line: string) => progress.say(line);
  const files = await listFiles(parseReference(wish.what), wish.include, { ...options, say });
  if (files.length === 0) throw new DataFailure(`${wish.what} has no such files`);
  return files;
}

async function downloadAll(
  files: readonly RemoteFile[],
  base: string,
  progress: DownloadProgress,
  signal: AbortSignal,
): Promise<{ path: string; files: number; already_there: number }> {
  const sum = files.reduce((total, { expected }) => total + (expected.size ?? 0), 0);
  if (files.length > 1) progress.say(`${files.length} files, ${formatBytes(sum)}`);
  let there = 0;
  let path = "";
  for (const file of files) {
    const wanted: Download = { ...file, base, signal, progress };
    const done = await download(wanted);
    path = done.path;
    if (done.wasThere) there++;
  }
  if (there > 0) progress.say(`${there} of them were there already`);
  const where = files.length === 1 ? path : base;
  progress.say(`in ${where}`);
  progress.say(`sandboxes see the folder with DATA_MOUNTS=data=${base}`);
  return { path: where, files: files.length, already_there: there };
}

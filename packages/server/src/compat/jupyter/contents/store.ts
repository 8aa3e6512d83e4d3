/** Files of sessions as Jupyter's contents. What it changes goes through the desk, and so into the audit log. */

import type { Desk } from "../../../desk/desk.js";
import { joinPath, nameOf } from "../../../desk/paths.js";
import type { Visit } from "../../../desk/visit.js";
import { ServiceError } from "../../../errors.js";
import type { ReadingFiles } from "../../../sessions/changing-files.js";
import { fromContent, readBytes } from "./bytes.js";
import { type AskedContent, describe, ENTRIES_MAX, entriesOf, present, write } from "./files.js";
import { bareModel, type ContentModel, filled, rootModel, sessionModel } from "./models.js";
import { fileIn, type Place, placeOf, writtenPath } from "./place.js";

const NAMES_TRIED = 1000;
const NEW_NOTEBOOK = { cells: [], metadata: {}, nbformat: 4, nbformat_minor: 5 };
const NOTHING = { limits: {}, ttl: undefined, mounts: undefined, packages: undefined };

export interface SavedContent {
  readonly type?: string | null;
  readonly format?: string | null;
  readonly content?: unknown;
  /** 1, 2, … of a file that comes in parts, and -1 for the last one. */
  readonly chunk?: number | null;
}

/** All of it throws ServiceErrors, SESSION_NOT_FOUND and those of files among them. */
export class ContentStore {
  readonly #desk: Desk;

  constructor(desk: Desk) {
    this.#desk = desk;
  }

  async get(visit: Visit, path: string, asked: AskedContent): Promise<ContentModel> {
    const place = placeOf(path);
    if (!place) return rootModel(this.#desk.list(visit), asked.withContent);
    return this.#desk.session(visit, place.sessionId).readFiles(async (files) => {
      if (place.path === "") return this.#session(visit, place, files, asked);
      return describe(present(files), place, asked);
    });
  }

  async #session(
    visit: Visit,
    place: Place,
    files: ReadingFiles | undefined,
    { withContent }: AskedContent,
  ): Promise<ContentModel> {
    const model = sessionModel(this.#desk.session(visit, place.sessionId).describe());
    if (!withContent) return model;
    return filled(model, files ? await entriesOf(files, place) : []);
  }

  /** A whole file, a part of one, or a folder. */
  async save(visit: Visit, path: string, saved: SavedContent): Promise<ContentModel> {
    if (saved.type === "directory") return this.#makeFolder(visit, path);
    const place = fileIn(path);
    const bytes = fromContent(saved.content, saved.format);
    const chunk = saved.chunk ?? undefined;
    await this.#desk.session(visit, place.sessionId).addFiles(async (files) => {
      if (chunk === undefined) await write(files, place.path, [bytes]);
      else if (chunk >= 0) await write(files, partOf(place.path, chunk), [bytes]);
    });
    if (chunk === -1) await this.#join(visit, place, bytes);
    if (chunk !== undefined && chunk >= 0)
      return bareModel(place, "file", Date.now(), bytes.length);
    return this.get(visit, path, { withContent: false, type: undefined, format: undefined });
  }

  async #makeFolder(visit: Visit, path: string): Promise<ContentModel> {
    const place = placeOf(path);
    if (!place) return rootModel(this.#desk.list(visit), false);
    if (place.path === "")
      return sessionModel(await this.#desk.create(visit, { id: place.sessionId, ...NOTHING }));
    const session = this.#desk.session(visit, place.sessionId);
    await session.addFiles((files) => files.makeDirectory(place.path));
    return bareModel(place, "directory", Date.now(), null);
  }

  /** A new file in a folder, under a name that is free; in the root a new session. */
  async createIn(
    visit: Visit,
    folder: string,
    type: string,
    extension: string,
  ): Promise<ContentModel> {
    const place = placeOf(folder);
    if (!place && type === "directory") {
      return sessionModel(await this.#desk.create(visit, { id: undefined, ...NOTHING }));
    }
    const stem =
      type === "directory" ? "Untitled Folder" : type === "notebook" ? "Untitled" : "untitled";
    const end = type === "notebook" ? ".ipynb" : type === "directory" ? "" : extension;
    const path = await this.#freeName(visit, folder, stem, end);
    const content = type === "notebook" ? NEW_NOTEBOOK : "";
    return this.save(visit, path, { type, format: "text", content });
  }

  /** A copy of a file, of the same or another session, in a folder. */
  async copyTo(visit: Visit, from: string, folder: string): Promise<ContentModel> {
    const source = fileIn(from);
    const name = nameOf(source.path);
    const dot = name.lastIndexOf(".") > 0 ? name.lastIndexOf(".") : name.length;
    const path = await this.#freeName(
      visit,
      folder,
      `${name.slice(0, dot)}-Copy`,
      name.slice(dot),
      1,
    );
    const { bytes } = await this.#desk
      .session(visit, source.sessionId)
      .readFiles((files) => readBytes(present(files), source.path));
    const target = fileIn(path);
    await this.#desk
      .session(visit, target.sessionId)
      .addFiles((files) => write(files, target.path, [bytes]));
    return this.get(visit, path, { withContent: false, type: undefined, format: undefined });
  }

  async rename(visit: Visit, path: string, to: string): Promise<ContentModel> {
    const [from, target] = [fileIn(path), fileIn(to)];
    if (from.sessionId !== target.sessionId) {
      throw new ServiceError("INVALID_REQUEST", "A file stays in its session.", {
        hint: "Copy it into the other session's folder, and delete it here.",
      });
    }
    await this.#desk
      .session(visit, from.sessionId)
      .changeFiles((files) => present(files).rename(from.path, target.path, false));
    return this.get(visit, to, { withContent: false, type: undefined, format: undefined });
  }

  async remove(visit: Visit, path: string): Promise<void> {
    const place = placeOf(path);
    if (place?.path === "")
      return this.#desk.session(visit, place.sessionId).end("its folder was deleted");
    const { sessionId, path: inside } = fileIn(path);
    await this.#desk
      .session(visit, sessionId)
      .changeFiles((files) => present(files).remove(inside, true));
  }

  // --- checkpoints: one of each file, in a hidden folder beside it -----------------------------------

  async checkpoints(visit: Visit, path: string): Promise<Checkpoint[]> {
    try {
      const place = checkpointOf(fileIn(path));
      return [checkpoint(await this.get(visit, writtenPath(place), BARE))];
    } catch (error) {
      if (error instanceof ServiceError && error.code === "FILE_NOT_FOUND") return [];
      throw error;
    }
  }

  async makeCheckpoint(visit: Visit, path: string): Promise<Checkpoint> {
    const place = fileIn(path);
    await this.#copyWithin(visit, place, place.path, checkpointOf(place).path);
    return checkpoint(await this.get(visit, writtenPath(checkpointOf(place)), BARE));
  }

  async restoreCheckpoint(visit: Visit, path: string): Promise<void> {
    const place = fileIn(path);
    await this.#copyWithin(visit, place, checkpointOf(place).path, place.path);
  }

  async removeCheckpoint(visit: Visit, path: string): Promise<void> {
    await this.remove(visit, writtenPath(checkpointOf(fileIn(path))));
  }

  async #copyWithin(visit: Visit, { sessionId }: Place, from: string, to: string): Promise<void> {
    const session = this.#desk.session(visit, sessionId);
    const { bytes } = await session.readFiles((files) => readBytes(present(files), from));
    await session.addFiles((files) => write(files, to, [bytes]));
  }

  /** The parts that have come, and the last one. */
  async #join(visit: Visit, place: Place, last: Buffer): Promise<void> {
    const session = this.#desk.session(visit, place.sessionId);
    const parts = await session.readFiles(async (files) => {
      const folder = place.path.includes("/")
        ? place.path.slice(0, place.path.lastIndexOf("/"))
        : "";
      const { entries } = await present(files).list(folder, {
        recursive: false,
        entriesMax: ENTRIES_MAX,
      });
      const names = new Set(entries.map(({ path }) => joinPath(folder, path)));
      const found: string[] = [];
      while (names.has(partOf(place.path, found.length + 1)))
        found.push(partOf(place.path, found.length + 1));
      return found;
    });
    await session.addFiles((files) =>
      session.readFiles(async (reading) => {
        async function* pieces(): AsyncGenerator<Buffer> {
          for (const part of parts) {
            const file = await present(reading).open(part);
            yield* file.read(0, file.sizeBytes) as AsyncIterable<Buffer>;
          }
          yield last;
        }
        await write(files, place.path, pieces());
        for (const part of parts) await files.remove(part, false);
      }),
    );
  }

  async #freeName(
    visit: Visit,
    folder: string,
    stem: string,
    end: string,
    first = 0,
  ): Promise<string> {
    const place = placeOf(folder);
    if (!place) fileIn(folder);
    const { content } = await this.get(visit, folder, { ...BARE, withContent: true });
    const taken = new Set((content as readonly ContentModel[]).map(({ name }) => name));
    for (let number = first; number < NAMES_TRIED; number++) {
      const name = `${stem}${number === 0 ? "" : number}${end}`;
      if (!taken.has(name))
        return joinPath(folder.startsWith("/") ? folder.slice(1) : folder, name);
    }
    throw new ServiceError("FILE_EXISTS", "Every name that could be given is taken.");
  }
}

export interface Checkpoint {
  readonly id: "checkpoint";
  readonly last_modified: string;
}

const BARE: AskedContent = { withContent: false, type: undefined, format: undefined };

function checkpoint({ last_modified }: ContentModel): Checkpoint {
  return { id: "checkpoint", last_modified };
}

function checkpointOf({ sessionId, path }: Place): Place {
  const end = path.lastIndexOf("/") + 1;
  return { sessionId, path: `${path.slice(0, end)}.ipynb_checkpoints/${path.slice(end)}` };
}

/** Of a file that comes in parts, until it is whole. */
function partOf(path: string, chunk: number): string {
  const end = path.lastIndexOf("/") + 1;
  return `${path.slice(0, end)}.part-${chunk}-of-${path.slice(end)}`;
}

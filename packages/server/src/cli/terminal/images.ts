/** Images that code displays, saved beside each other under names that are ours alone. */

import { rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { FolderRefused, type OpenFolder, openFolder } from "../open-folder.js";
import type { Image } from "./bundle.js";

/** Twice as many as outputs that one execution may have. */
const IMAGES_MAX = 20_000;

export class ImageFolder {
  readonly #directory: string;
  #number = 1;
  /** By the id of the display, so that an animation is one file and not thousands. */
  readonly #ofDisplays = new Map<string, string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Saves under the next free name, never over a file of others. Returns the path. */
  save(image: Image, displayId?: string): string {
    const path = this.#saveAsNew(image);
    if (displayId !== undefined) this.#ofDisplays.set(displayId, path);
    return path;
  }

  /** Replaces the image that this display has shown; undefined when it has shown none. */
  replace(image: Image, displayId: string): string | undefined {
    const path = this.#ofDisplays.get(displayId);
    if (path === undefined || !path.endsWith(`.${image.extension}`)) return undefined;
    const folder = openFolder(this.#directory);
    try {
      const place = folder.at(basename(path));
      rmSync(place, { force: true });
      writeFileSync(place, image.bytes, { flag: "wx" });
    } finally {
      folder.close();
    }
    return path;
  }

  #saveAsNew(image: Image): string {
    const folder = openFolder(this.#directory);
    try {
      return folder.telling(() => this.#saveIn(folder, image));
    } finally {
      folder.close();
    }
  }

  #saveIn(folder: OpenFolder, image: Image): string {
    for (; this.#number <= IMAGES_MAX; this.#number += 1) {
      const kind = image.mime.startsWith("image/") ? "image" : "output";
      const name = `${kind}-${this.#number}.${image.extension}`;
      try {
        // Exclusive: a file or a link that is there already is not written to.
        writeFileSync(folder.at(name), image.bytes, { flag: "wx" });
        this.#number += 1;
        return join(this.#directory, name);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      }
    }
    throw new FolderRefused(`${this.#directory} is full of images`);
  }
}

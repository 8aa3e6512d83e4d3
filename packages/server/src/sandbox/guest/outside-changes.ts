/**
 * Files changed through the API since the last cell began. The kernel finds a cell's files by comparing
 * snapshots, so these must be left out of files_created and files_modified.
 */

/** More are not worth remembering. */
const PATHS_MAX = 10_000;

export class OutsideChanges {
  #any = false;
  readonly #paths = new Set<string>();

  note(paths: readonly string[]): void {
    this.#any = true;
    for (const path of paths) if (this.#paths.size < PATHS_MAX) this.#paths.add(path);
  }

  /** Forget what there was. Returns whether there was anything. */
  take(): boolean {
    if (!this.#any) return false;
    this.#any = false;
    this.#paths.clear();
    return true;
  }

  /** Leave in a reply what the code itself has done. */
  leaveOut(reply: { files_created?: string[]; files_modified?: string[] }): void {
    if (!this.#any) return;
    const byCode = (path: string) => !this.#paths.has(path);
    if (reply.files_created) reply.files_created = reply.files_created.filter(byCode);
    if (reply.files_modified) reply.files_modified = reply.files_modified.filter(byCode);
  }
}

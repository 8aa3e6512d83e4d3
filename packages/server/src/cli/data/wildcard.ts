/**
 * Patterns as Hugging Face's own tools read them: `*` fits across folders, `?` fits one character. As a
 * regular expression each `*` would multiply the time that a path takes; here it takes its length times the pattern's.
 */
export class Wildcard {
  readonly #pattern: readonly string[];

  constructor(text: string) {
    this.#pattern = [...text];
  }

  fits(path: string): boolean {
    const characters = [...path];
    let [at, star, afterStar] = [0, -1, 0];
    let index = 0;
    while (index < characters.length) {
      const wanted = this.#pattern[at];
      if (wanted === "*") {
        star = at++;
        afterStar = index;
      } else if (wanted === "?" || wanted === characters[index]) {
        at++;
        index++;
      } else if (star >= 0) {
        // Only the last star needs to take more: what an earlier one took was enough.
        at = star + 1;
        index = ++afterStar;
      } else return false;
    }
    while (this.#pattern[at] === "*") at++;
    return at === this.#pattern.length;
  }
}

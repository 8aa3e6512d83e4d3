/**
 * What untrusted code prints goes to a person's terminal, and a terminal obeys what it is sent: it
 * sets titles, fills the clipboard, answers questions into the keyboard's stream, changes character
 * sets. This filter lets text and a short list of harmless sequences pass and makes everything else
 * visible. It never swallows text: a sequence that is not let pass loses its ESC and is printed.
 */

const ESCAPE = "\u001b";
/** An honest sequence is shorter; what is longer is shown as text. */
const SEQUENCE_LENGTH_MAX = 64;
/** Controls that only move within the line, or to the next one. */
const PLAIN_CONTROLS = new Set(["\b", "\t", "\n", "\r"]);
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is this file's purpose.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is this file's purpose.
const WHOLE_SEQUENCE = /^\u001b\[([\d;:]*)([A-Za-z])/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is this file's purpose.
const SEQUENCE_SO_FAR = /^\u001b(\[[\d;:]*)?$/;

/** One for each stream, as a sequence may be cut anywhere between two pieces. */
export class EscapeFilter {
  #held = "";
  /** Lines printed above the cursor's: a cursor may go up as far, and no further. */
  #linesAbove = 0;
  #coloured = false;

  /** What may be written to the terminal now. The beginning of a sequence waits for the rest. */
  pass(text: string): string {
    const whole = this.#held + text;
    this.#held = "";
    let passed = "";
    let from = 0;
    for (const { index, 0: control } of whole.matchAll(CONTROL)) {
      if (index < from) continue;
      passed += whole.slice(from, index);
      from = index + 1;
      if (control !== ESCAPE) {
        passed += this.#passControl(control);
        continue;
      }
      const rest = whole.slice(index, index + SEQUENCE_LENGTH_MAX);
      if (rest.length < SEQUENCE_LENGTH_MAX && SEQUENCE_SO_FAR.test(rest)) {
        this.#held = rest;
        return passed;
      }
      const sequence = WHOLE_SEQUENCE.exec(rest);
      const allowed = sequence && this.#passSequence(sequence);
      if (allowed === null || allowed === undefined) {
        passed += visible(ESCAPE);
      } else {
        passed += allowed;
        from = index + (sequence?.[0].length ?? 1);
      }
    }
    return passed + whole.slice(from);
  }

  /** What is still held, made visible, and the colours put back. The cursor may go up no more. */
  end(): string {
    const rest = [...this.#held].map((one) => (one === ESCAPE ? visible(one) : one)).join("");
    const reset = this.#coloured ? `${ESCAPE}[0m` : "";
    this.#held = "";
    this.#coloured = false;
    this.#linesAbove = 0;
    return rest + reset;
  }

  #passControl(control: string): string {
    if (control === "\n") this.#linesAbove += 1;
    return PLAIN_CONTROLS.has(control) ? control : visible(control);
  }

  #passSequence([whole, parameters = "", final]: RegExpExecArray): string | undefined {
    switch (final) {
      case "m":
        this.#coloured = true;
        return whole;
      case "K":
        return /^[012]?$/.test(parameters) ? whole : undefined;
      case "A": {
        // Bars of more than one line are drawn so. What stood above this run is not the run's to change.
        if (!/^\d{0,3}$/.test(parameters)) return undefined;
        const lines = Math.min(Number(parameters || "1") || 1, this.#linesAbove);
        this.#linesAbove -= lines;
        return lines > 0 ? `${ESCAPE}[${lines}A` : "";
      }
      default:
        return undefined;
    }
  }
}

/** A control character as a sign that shows it. */
function visible(control: string): string {
  const code = control.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : `\\x${code.toString(16)}`;
}

/**
 * One line that is safe to show: names of files, messages of others. Also what turns the direction
 * of writing is shown as its code, since it makes `gpj.exe` out of `exe.jpg`.
 */
export function printable(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is this function's purpose.
    /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

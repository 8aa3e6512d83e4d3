/** Bounded words of values that a guest has chosen. */

export const NAME_CHARACTERS_MAX = 80;
/** Of one kind of thing, such as series. */
export const THINGS_MAX = 10;

export type Fields = Readonly<Record<string, unknown>>;

export function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? (value as Fields) : {};
}

export function quoted(text: string): string {
  return `"${bounded(text, NAME_CHARACTERS_MAX)}"`;
}

/** In one line. */
export function bounded(text: string, charactersMax = NAME_CHARACTERS_MAX): string {
  const line = text.slice(0, charactersMax + 1).replaceAll("\n", " ");
  return line.length > charactersMax ? `${line.slice(0, charactersMax).toWellFormed()}…` : line;
}

/** "3 rows", "1 row". */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
}

/** "812 bytes", "35 kB", "1.2 MB": units of a thousand. */
export function size(bytes: number): string {
  if (bytes < 1000) return counted(bytes, "byte");
  const [value, unit] = bytes < 999_500 ? [bytes / 1000, "kB"] : [bytes / 1e6, "MB"];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** Of what base64 stands for; line ends in it are not looked for. */
export function bytesOfBase64(length: number): number {
  return Math.floor((length * 3) / 4);
}

/** Text as a terminal would show it at the end: what a carriage return has overwritten is left out. */

/** Goes through the text once, whatever it holds. Line ends of either kind stay. */
export function withoutOverwritten(text: string): string {
  if (!text.includes("\r")) return text;
  return text.split("\n").map(shown).join("\n");
}

function shown(line: string): string {
  const end = line.endsWith("\r") ? line.length - 1 : line.length;
  if (line.lastIndexOf("\r", end - 1) < 0) return line;
  const parts = line.slice(0, end).split("\r");
  let left = "";
  // Each part covers the beginning of those before it.
  for (const part of parts.reverse()) {
    if (part.length > left.length) left += part.slice(left.length);
  }
  return left + line.slice(end);
}

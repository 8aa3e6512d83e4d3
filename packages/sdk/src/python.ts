import type { JsonValue } from "./wire.js";

/**
 * A Python expression with this value, to put into code: `df = ${pythonValue(rows)}`. Whatever a string
 * holds, it stays a string; pasted into code it could become code.
 */
export function pythonValue(value: JsonValue): string {
  // A string of JSON is written as JSON again, and that is a literal of Python as well.
  return `__import__("json").loads(${JSON.stringify(JSON.stringify(value))})`;
}

/** Rows as columns that stand below each other. */

import { cutToWidth, textWidth } from "./width.js";

/** Every cell must be safe to show. Lines are cut where a terminal would break them. */
export function formatTable(
  rows: readonly (readonly string[])[],
  columns = Number.POSITIVE_INFINITY,
): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, textWidth(cell));
    }
  }
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - textWidth(cell)))
      .join("  ")
      .trimEnd(),
  );
  return lines.map((line) => `${cutToWidth(line, columns)}\n`).join("");
}

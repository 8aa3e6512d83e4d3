/** Parts of documents that are printed from the source, between `<!-- NAME -->` and `<!-- end -->`. */
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "../..");

/** Hold the part of the document to `text`. With UPDATE_DOCS=1 in the environment, write it there first. */
export function expectPrinted(document: string, name: string, text: string): void {
  const path = join(repositoryRoot, document);
  const place = new RegExp(`(?<=<!-- ${name} -->\\n\\n)[\\s\\S]*?(?=\\n\\n<!-- end -->)`);
  if (process.env["UPDATE_DOCS"]) {
    writeFileSync(
      path,
      readFileSync(path, "utf8").replace(place, () => text),
    );
  }
  const [told] = place.exec(readFileSync(path, "utf8")) ?? [];
  expect(told, `${document}: UPDATE_DOCS=1 npm run test:unit writes this part anew`).toBe(text);
}

/** A table of Markdown, with its columns aligned. */
export function printTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)),
  );
  const lines = cells.map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)));
  lines.splice(
    1,
    0,
    widths.map((width) => "-".repeat(width)),
  );
  return lines.map((line) => `| ${line.join(" | ")} |`).join("\n");
}

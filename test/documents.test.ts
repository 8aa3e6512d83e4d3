/** The documents stay together: links lead somewhere, and the README names every page. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const repositoryRoot = join(dirname(fileURLToPath(import.meta.url)), "..");
const pages = [".", "docs"].flatMap((folder) =>
  readdirSync(join(repositoryRoot, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => normalize(join(folder, name))),
);
/** What is no prose: blocks of code, which may show links of others. */
const fences = /^```[\s\S]*?^```/gm;

function proseOf(path: string): string {
  return readFileSync(join(repositoryRoot, path), "utf8").replace(fences, "");
}

/** The anchors of a page's headings, made as GitHub makes them. */
function anchorsOf(path: string): Set<string> {
  const headings = [...proseOf(path).matchAll(/^#+ ([^\n]+)$/gm)].map(([, text = ""]) => text);
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

function brokenLinksOf(path: string): string[] {
  const links = [...proseOf(path).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = ""]) => target);
  return links
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = "", anchor] = target.split("#");
      const page = file === "" ? path : normalize(join(dirname(path), file));
      if (!existsSync(join(repositoryRoot, page))) return true;
      return anchor !== undefined && !anchorsOf(page).has(anchor);
    })
    .map((target) => `${path}: ${target}`);
}

test("every link from page to page leads to a page and a heading that exist", () => {
  expect(pages.length).toBeGreaterThan(15);
  expect(pages.flatMap(brokenLinksOf)).toEqual([]);
});

test("the README lists every page", () => {
  const readme = proseOf("README.md");
  expect(pages.filter((page) => page !== "README.md" && !readme.includes(`](${page})`))).toEqual(
    [],
  );
});

/** Pages about the code itself. Others show files of their readers. */
const inside = ["CONTRIBUTING.md", "ARCHITECTURE.md", "SECURITY.md"].concat(
  ["guest-protocol", "performance", "testing"].map((name) => `docs/${name}.md`),
);

test("files that pages about the code name exist, by the end of their path", () => {
  const ours = ["packages", "test", "scripts", "docs", "rootfs", "bench"]
    .flatMap((folder) =>
      readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => !name.includes("node_modules"))
        .map((name) => `/${folder}/${name}`),
    )
    .concat(readdirSync(repositoryRoot).map((name) => `/${name}`));
  const missing = inside.flatMap((page) =>
    [...proseOf(page).matchAll(/`([\w./-]+\.(?:ts|py|mjs|sh))`/g)]
      .map(([, name = ""]) => name)
      .filter((name) => !ours.some((path) => path.endsWith(`/${name}`)))
      .map((name) => `${page}: ${name}`),
  );
  expect(missing).toEqual([]);
});

test("no source names a page that does not exist", () => {
  const sources = ["packages/server/src", "packages/sdk/src", "packages/server/guest", "test"]
    .flatMap((folder) =>
      readdirSync(join(repositoryRoot, folder), { recursive: true, encoding: "utf8" }).map((name) =>
        join(folder, name),
      ),
    )
    .filter((path) => /\.(ts|py)$/.test(path));
  const missing = sources.flatMap((path) =>
    [...readFileSync(join(repositoryRoot, path), "utf8").matchAll(/\bdocs\/[a-z-]+\.md\b/g)]
      .filter(([page]) => !existsSync(join(repositoryRoot, page)))
      .map(([page]) => `${path}: ${page}`),
  );
  expect(missing).toEqual([]);
});

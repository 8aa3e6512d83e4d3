/** Names of files as answers carry them. */

/** RFC 6266 and 8187: what a browser calls the file. No byte of a name stands there as it is but letters,
 * digits and the like, so that no name can end the header or begin another. */
export function contentDisposition(kind: "inline" | "attachment", name: string): string {
  const plain = name.replace(/[^A-Za-z0-9 ._+=@()-]/g, "_").slice(0, 200);
  const encoded = encodeURIComponent(name.replace(/\p{Surrogate}/gu, "\ufffd")).replace(
    /['()*!]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

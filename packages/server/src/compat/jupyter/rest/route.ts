/** What all routes of Jupyter's interface have in common. */

import type { TSchema } from "typebox";

const config = { takesJupyterTokens: true } as const;

/** A route that takes tokens as Jupyter's clients send them. */
export function asked<Parts extends Readonly<Record<string, TSchema>>>(
  summary: string,
  parts: Parts = {} as Parts,
) {
  return { config, schema: { tags: ["jupyter"], summary, ...parts } };
}

/** For everybody, with a token or without. */
export const PUBLIC = { config: { ...config, isPublic: true } } as const;

/** Many clients leave the body out where nothing of it is needed. */
export const OPTIONAL_BODY = {
  config: { ...config, bodyIsOptional: true },
  preValidation: async (request: { body: unknown }) => {
    request.body ??= {};
  },
} as const;

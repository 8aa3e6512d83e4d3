/** How large and how rich a body may be, by what it carries. A route that says nothing gets the smallest. */

import type { Config } from "../../config.js";

/** Names, numbers and a few fields. */
export const SMALL_BODY_BYTES = 65_536;
/** As `countJsonValues` counts: a thousand files, or the like, are fewer. */
const VALUES_MAX = 30_000;
/** A character takes up to six in JSON. */
const JSON_BYTES_PER_BYTE = 6;

declare module "fastify" {
  interface FastifyContextConfig {
    readonly body?: BodyShape;
  }
}

export interface BodyShape {
  /** As `countJsonValues` counts. */
  readonly valuesMax: number;
  /** What to do where it has more. */
  readonly hint?: string;
}

export interface BodyLimits {
  readonly bodyLimit: number;
  readonly config: { readonly body: BodyShape };
}

export const SMALL_BODY: BodyShape = { valuesMax: VALUES_MAX };

/** Of a body that carries so many bytes of text, in JSON. */
export function textBody(bytesMax: number, body: BodyShape = SMALL_BODY): BodyLimits {
  return { bodyLimit: bytesMax * JSON_BYTES_PER_BYTE + SMALL_BODY_BYTES, config: { body } };
}

/** Code, and files beside it. */
export function codeBody({ codeBytesMax }: Config): BodyLimits {
  return textBody(codeBytesMax);
}

/** Whole conversations, with what tools have answered in them. */
export function chatBody({ codeBytesMax }: Config): BodyLimits {
  return textBody(codeBytesMax, { valuesMax: 300_000 });
}

/** Many times code, and files beside it. */
export const BATCH_BODY: BodyLimits = {
  bodyLimit: 16 * 2 ** 20,
  config: { body: { valuesMax: 100_000, hint: "Send the items in several batches." } },
};

/** Notebooks come with the outputs of earlier runs: a hundred thousand lines. More would take long to parse. */
export const NOTEBOOK_BODY: BodyLimits = {
  bodyLimit: 16 * 2 ** 20,
  config: {
    body: {
      valuesMax: 400_000,
      hint: "Clear the outputs that it has: jupyter nbconvert --clear-output --to notebook FILE.ipynb",
    },
  },
};

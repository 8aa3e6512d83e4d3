/** Who a request comes from. The access area may import errors and config. */

import type { Account } from "./account.js";

export type Role = "execute" | "admin";

export interface Principal {
  /** Sessions and audit records carry it. Never used again for another key. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly role: Role;
  /** What the quotas are counted on; the built-in admin has none. */
  readonly account: Account | undefined;
}

/** Whoever has the admin token, and everyone with AUTH=none. */
export const BUILT_IN_ADMIN: Principal = Object.freeze({
  id: "admin",
  name: "admin",
  role: "admin",
  account: undefined,
});

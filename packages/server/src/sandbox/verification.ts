/** What a verification says. The drivers make it; the gateway shows it. May import nothing. */

/** One protection, tried or looked up on a live sandbox a moment ago. */
export interface Protection {
  readonly name: string;
  readonly verified: boolean;
  /** What it prevents, or what is wrong. */
  readonly detail: string;
}

export interface Verification {
  /** The sandbox that was looked at. It was made for this and is gone. */
  readonly sandbox: string;
  readonly protections: readonly Protection[];
}

/** What came of a program, in the same terms wherever it ran. */

export interface Outcome {
  readonly end: "ok" | "error" | "time" | "limit";
  readonly error: Failure | null;
  readonly stdout: string;
  /** How many figures it showed. */
  readonly pictures: number;
}

export interface Failure {
  /** The exception's class. */
  readonly name: string;
  readonly message: string;
  /** Where it was raised, as far as it is known; for people. */
  readonly hint?: string | null;
}

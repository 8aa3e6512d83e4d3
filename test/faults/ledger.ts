/**
 * What a client knows of its session, and so what the next answer may be. The promises: a session keeps its state as
 * long as its own sandbox and the gateway live; when it has lost it, this is told or can be seen, and it is
 * never the state of another.
 */

/** What stands between two answers. `sandbox` is undefined where the session may have none. */
export interface Ledger {
  readonly owner: string;
  readonly sandbox: string | undefined;
  readonly runs: number;
  /** How often the gateway had been killed when the last request was sent. */
  readonly gatewayKills: number;
}

/** What has been done to the server so far. */
export interface Injuries {
  readonly killedSandboxes: ReadonlySet<string>;
  readonly gatewayKills: number;
  /** Whether a gateway was killed so recently that connections may fail. */
  readonly gatewayIsShaken: boolean;
}

export type Reply =
  | {
      readonly kind: "ran";
      readonly owner: string;
      readonly sandbox: string;
      readonly runs: number;
      readonly executionCount: number | null;
    }
  /** An answer with the status `killed`. */
  | { readonly kind: "died" }
  /** A 503 with a code that errors.md has. */
  | { readonly kind: "refused" }
  /** No answer, but an end of the connection. */
  | { readonly kind: "disconnected" };

/** The ledger after `reply` to a request that was sent when the gateway had been killed `killsBefore` times. */
export function judgeReply(
  ledger: Ledger,
  reply: Reply,
  injuries: Injuries,
  killsBefore: number,
): Ledger {
  const { sandbox } = ledger;
  const mayHaveLostState =
    sandbox === undefined ||
    injuries.killedSandboxes.has(sandbox) ||
    injuries.gatewayKills > ledger.gatewayKills;
  const wrong = (what: string): never => {
    throw new Error(
      `${what}: ${JSON.stringify(reply)} after ${JSON.stringify({ ...ledger, mayHaveLostState })}`,
    );
  };
  const lost: Ledger = { ...ledger, sandbox: undefined, runs: 0, gatewayKills: killsBefore };
  switch (reply.kind) {
    case "disconnected":
      return injuries.gatewayIsShaken ? lost : wrong("a connection failed");
    case "refused":
      return mayHaveLostState ? lost : wrong("a living session was refused");
    case "died":
      return mayHaveLostState ? lost : wrong("a sandbox died that nobody had killed");
    case "ran": {
      if (reply.owner !== ledger.owner) wrong("the state is another session's");
      if (reply.executionCount !== reply.runs) wrong("execution_count and state differ");
      const goesOn = reply.sandbox === sandbox && reply.runs === ledger.runs + 1;
      const isFresh = reply.sandbox !== sandbox && reply.runs === 1;
      if (!goesOn && !isFresh) wrong("neither the old state nor a fresh one");
      if (isFresh && !mayHaveLostState) wrong("the state is lost");
      const { owner, runs } = reply;
      return { owner, sandbox: reply.sandbox, runs, gatewayKills: killsBefore };
    }
  }
}

/**
 * What every measured system offers to the scenarios. Glovebox, the bare Fastify route and
 * jupyter-server each implement it, so that one scenario produces comparable figures for all.
 */
export interface Answer {
  /** What the code printed. */
  text: string;
  /** The last image as base64 PNG, or null. */
  png: string | null;
}

export interface Session {
  run(code: string): Promise<Answer>;
  /** Frees the session in the system under test. */
  close(): Promise<void>;
}

export interface System {
  readonly name: SystemName;
  /** Prepares a session that nobody has used; what has to be built for it may be built here or at the first run. */
  newSession(): Promise<Session>;
  /** Resolves when the system has nothing left to do in the background, such as refilling a pool. */
  settle(): Promise<void>;
  /** The processes that hold sessions, found from the outside; others may be among them. */
  sessionPids(): Set<number>;
  stop(): Promise<void>;
}

export type SystemName = "glovebox" | "bare_fastify" | "glovebox_jupyter" | "jupyter_server";

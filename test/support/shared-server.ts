/**
 * The server that files of one project share. Two files may use it at once: a file that restarts or
 * kills something, counts what the whole server does, or sets limits, starts a server of its own.
 */
import { afterAll, inject } from "vitest";
import { type Client, connectClient } from "./client.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The address at which the shared server is asked for; see shared-server-setup.ts. */
    sharedServer: string;
  }
}

/** Called in `beforeAll`; the sessions that this file has named to it are deleted afterwards. */
export async function joinSharedServer(): Promise<Client> {
  const answer = await fetch(inject("sharedServer"));
  if (!answer.ok) throw new Error(`the shared server did not start: ${await answer.text()}`);
  const { baseUrl, token } = (await answer.json()) as { baseUrl: string; token: string };
  const client = connectClient(baseUrl, token);
  const sessions = new Set<string>();
  const note = (body: unknown): void => {
    const { session_id } = (body ?? {}) as { session_id?: unknown };
    if (typeof session_id === "string") sessions.add(session_id);
  };
  afterAll(async () => {
    const remove = (id: string) =>
      client.request(`/sessions/${encodeURIComponent(id)}`, { method: "DELETE" });
    await Promise.all([...sessions].map(remove));
  });
  return {
    ...client,
    execute: (request) => {
      note(request);
      return client.execute(request);
    },
    tryExecute: (request) => {
      note(request);
      return client.tryExecute(request);
    },
    request: (path, request) => {
      note(request?.body);
      return client.request(path, request);
    },
  };
}

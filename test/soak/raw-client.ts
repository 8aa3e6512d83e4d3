/** A client that writes bytes as it likes: half requests, many at once, and none of the answers read. */
import { connect, type Socket } from "node:net";
import type { TestServer } from "../support/server.ts";

/** Errors are the service's right to close; who minds looks at `closed`. */
export function openSocket(server: Pick<TestServer, "baseUrl">): Promise<Socket> {
  const { hostname, port } = new URL(server.baseUrl);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.off("error", reject).on("error", () => undefined);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

export async function openSockets(
  server: Pick<TestServer, "baseUrl">,
  count: number,
): Promise<Socket[]> {
  const opened = await Promise.allSettled(Array.from({ length: count }, () => openSocket(server)));
  return opened.filter((one) => one.status === "fulfilled").map(({ value }) => value);
}

export interface RawRequest {
  readonly method?: string;
  readonly path: string;
  readonly secret: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** What Content-Length says; the length of the body without it. */
  readonly declaredBytes?: number;
}

/** One request as it is on the wire. */
export function rawRequest(request: RawRequest): Buffer {
  const { method = "GET", path, secret, headers = {}, body = "", declaredBytes } = request;
  const payload = Buffer.from(body);
  const length = declaredBytes ?? payload.length;
  const lines = [
    `${method} ${path} HTTP/1.1`,
    "Host: 127.0.0.1",
    `X-API-Key: ${secret}`,
    ...(length > 0 ? ["Content-Type: application/json", `Content-Length: ${length}`] : []),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), payload]);
}

/** The status of the first answer; 0 when the connection ends, or the time is over, without one. */
export function firstStatus(socket: Socket, withinMs: number): Promise<number> {
  return new Promise((resolve) => {
    let head = "";
    const tell = (status: number) => {
      clearTimeout(timer);
      socket.off("data", read).off("close", closed);
      resolve(status);
    };
    const closed = () => tell(0);
    const timer = setTimeout(closed, withinMs);
    const read = (chunk: Buffer) => {
      head = (head + chunk.toString("latin1")).slice(0, 1000);
      const status = /^HTTP\/1\.1 ([0-9]{3})/.exec(head)?.[1];
      if (status !== undefined) tell(Number(status));
    };
    socket.on("data", read).once("close", closed);
  });
}

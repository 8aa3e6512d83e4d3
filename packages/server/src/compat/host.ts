/** What a façade is given: the routes to add to, and the desk behind which everything lies. */

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from "fastify";
import type { Config } from "../config.js";
import type { Desk } from "../desk/desk.js";
import type { Visit } from "../desk/visit.js";

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface FacadeHost {
  readonly desk: Desk;
  readonly config: Config;
  readonly version: string;
  /** Whether the operator lets pages of this origin in. */
  readonly allowsOrigin: (origin: string) => boolean;
  readonly visitOf: (reply: FastifyReply) => Visit;
  /** The connection of a request that asks for a WebSocket; undefined for any other. */
  readonly takeUpgrade: (
    request: IncomingMessage,
  ) => { readonly socket: Socket; readonly head: Buffer } | undefined;
}

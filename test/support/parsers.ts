/**
 * The parsers of text that others have written: the longest text that each can be given, and how a text
 * that is bad for it begins. A new parser is one row; test/event-loop.test.ts runs them all.
 */
import { commandsParsers } from "./parsers/commands.ts";
import { gatewayParsers } from "./parsers/gateway.ts";
import { modelParsers } from "./parsers/model.ts";

export { withoutRow } from "./parsers/without-row.ts";

export const parsers = [...gatewayParsers, ...modelParsers, ...commandsParsers];

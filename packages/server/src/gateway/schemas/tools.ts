/** GET /tools on the wire: definitions of tools as models' APIs take them, and how their calls are answered. */

import { Type } from "typebox";
import { closed } from "./common.js";

const Schema = Type.Object({}, { additionalProperties: true, description: "JSON Schema." });
const shared = { name: Type.String(), description: Type.String() };

export const ToolsQuery = Type.Object(
  {
    format: Type.Optional(
      Type.Union([Type.Literal("openai"), Type.Literal("anthropic")], {
        description: "Default: both.",
      }),
    ),
  },
  closed,
);

const ToolRoute = Type.Object(
  {
    method: Type.String(),
    path: Type.String({ description: "With names in braces: of arguments, and session_id." }),
    arguments: Type.Record(
      Type.String(),
      Type.Union([
        Type.Literal("path"),
        Type.Literal("query"),
        Type.Literal("json"),
        Type.Literal("body"),
      ]),
      { description: "Where each goes; `json` is a field of a JSON body, `body` is all of it." },
    ),
    answer: Type.String({ description: "What to tell the model." }),
  },
  closed,
);

export const ToolsAnswer = Type.Object(
  {
    openai: Type.Optional(
      Type.Array(
        Type.Object(
          {
            type: Type.Literal("function"),
            function: Type.Object({ ...shared, parameters: Schema }, closed),
          },
          closed,
        ),
      ),
    ),
    anthropic: Type.Optional(Type.Array(Type.Object({ ...shared, input_schema: Schema }, closed))),
    calls: Type.Record(Type.String(), ToolRoute, { description: "By the name of the tool." }),
  },
  closed,
);

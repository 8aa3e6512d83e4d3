/** GET /tools on the wire: definitions of tools as models' APIs take them, and how their calls are answered. */

import { Type } from "typebox";
import { closed, described, named, text } from "./common.js";

const Schema = Type.Object({}, { additionalProperties: true, description: "JSON Schema." });
const shared = {
  name: text("The tool's name."),
  description: text("What the model is told of it."),
};

export const ToolsQuery = Type.Object(
  {
    format: Type.Optional(
      Type.Union([Type.Literal("openai"), Type.Literal("anthropic")], {
        description: "Whose form the definitions have. Default: both.",
      }),
    ),
  },
  closed,
);

const ToolRoute = named(
  "ToolRoute",
  "The route that answers calls of a tool.",
  Type.Object(
    {
      method: text("The HTTP method."),
      path: text("With names in braces: of arguments, and `session_id`."),
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
      answer: text("What to tell the model."),
    },
    closed,
  ),
);

export const ToolsAnswer = named(
  "ToolList",
  "Tools for a model, and how to answer their calls.",
  Type.Object(
    {
      openai: Type.Optional(
        Type.Array(
          Type.Object(
            {
              type: Type.Literal("function", { description: "The kind of tool." }),
              function: Type.Object(
                { ...shared, parameters: described(Schema, "Its arguments, as JSON Schema.") },
                { ...closed, description: "The tool." },
              ),
            },
            closed,
          ),
          { description: "In the form of OpenAI's API." },
        ),
      ),
      anthropic: Type.Optional(
        Type.Array(
          Type.Object(
            { ...shared, input_schema: described(Schema, "Its arguments, as JSON Schema.") },
            closed,
          ),
          { description: "In the form of Anthropic's API." },
        ),
      ),
      calls: Type.Record(Type.String(), ToolRoute, { description: "By the name of the tool." }),
    },
    closed,
  ),
);

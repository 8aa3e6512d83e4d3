/** What is said about code before it runs. */

import { Type } from "typebox";
import { Count, nullable } from "./answers.js";
import { closed } from "./common.js";

export const ValidationAnswer = Type.Object(
  {
    advice: Type.Literal(true, { description: "Advice to the caller; what holds is the sandbox." }),
    verdict: Type.Union([
      Type.Literal("approved"),
      Type.Literal("warned"),
      Type.Literal("rejected"),
    ]),
    static: Type.Object(
      {
        findings: Type.Array(
          Type.Object(
            {
              rule: Type.String({ description: "As in VALIDATION_POLICY." }),
              action: Type.Union([Type.Literal("warn"), Type.Literal("deny")]),
              line: Count,
              column: Count,
              message: Type.String(),
            },
            closed,
          ),
        ),
        problem: nullable(Type.String()),
      },
      closed,
    ),
    review: nullable(
      Type.Object(
        {
          verdict: Type.Union([
            Type.Literal("approve"),
            Type.Literal("improve"),
            Type.Literal("reject"),
          ]),
          reasons: Type.Array(Type.String()),
        },
        closed,
      ),
    ),
    review_problem: nullable(Type.String()),
  },
  closed,
);

/** What is said about code before it runs. */

import { Type } from "typebox";
import { nullable } from "./answers.js";
import { closed, count, described, named, text, texts } from "./common.js";

const Finding = named(
  "ValidationFinding",
  "Something that the static check has found.",
  Type.Object(
    {
      rule: text("As in `VALIDATION_POLICY`."),
      action: Type.Union([Type.Literal("warn"), Type.Literal("deny")], {
        description: "What the policy says about the rule.",
      }),
      line: count("From 1."),
      column: count("From 1."),
      message: text("What was found."),
    },
    closed,
  ),
);

const Review = named(
  "ValidationReview",
  "What a model says about the code.",
  Type.Object(
    {
      verdict: Type.Union(
        [Type.Literal("approve"), Type.Literal("improve"), Type.Literal("reject")],
        { description: "`improve`: the model has corrected the code." },
      ),
      reasons: texts("The model's reasons."),
    },
    closed,
  ),
);

export const ValidationAnswer = named(
  "Validation",
  "What was said about code before it ran.",
  Type.Object(
    {
      advice: Type.Literal(true, {
        description: "Always true: it is advice to the caller, what holds is the sandbox.",
      }),
      verdict: Type.Union(
        [Type.Literal("approved"), Type.Literal("warned"), Type.Literal("rejected")],
        { description: "`warned`: run, with remarks. `rejected`: not run." },
      ),
      static: Type.Object(
        {
          findings: Type.Array(Finding, { description: "What was found, in order." }),
          problem: nullable(text("Why nothing was looked at, or null.")),
        },
        { ...closed, description: "What the static check says." },
      ),
      review: described(nullable(Review), "What a model says; null where none was asked."),
      review_problem: nullable(
        text("Why there is no review, or why its code was not taken; else null."),
      ),
    },
    closed,
  ),
);

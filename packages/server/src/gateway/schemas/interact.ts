/** What an editor asks of a session, on the wire. The answers are the kernel's own. */

import { Type } from "typebox";
import { answerSchemas, VARIABLES_MAX } from "../../sandbox/questions.js";
import { closed, flag, text } from "./common.js";

const Code = text("Python source. IPython's syntax works.");
const CursorPosition = Type.Integer({
  minimum: 0,
  description: "In code points; default: the end of the code.",
});

export const InputBody = Type.Object(
  {
    text: Type.Optional(
      text("What `input()` returns, as it is: at most 65536 bytes, without a line end."),
    ),
    data: Type.Optional(
      text(
        "Instead of `text`: the next piece of standard input, at most 65536 bytes, with its line ends; lines may go on in the next piece.",
      ),
    ),
    encoding: Type.Optional(
      Type.Union([Type.Literal("utf-8"), Type.Literal("base64")], {
        description: "Of `data`. Default: `utf-8`.",
      }),
    ),
    eof: Type.Optional(
      flag("True: standard input ends, after `data` where there is some. Default: false."),
    ),
  },
  { ...closed, examples: [{ text: "Ada" }, { data: "1\n2\n", eof: true }] },
);
export const InputAnswer = Type.Object(
  { status: Type.Literal("ok", { description: "It was waited for." }) },
  closed,
);

export const CompleteBody = Type.Object(
  { code: Code, cursor_pos: Type.Optional(CursorPosition) },
  { ...closed, examples: [{ code: "frame.hea", cursor_pos: 9 }] },
);
export const InspectBody = Type.Object(
  {
    code: Code,
    cursor_pos: Type.Optional(CursorPosition),
    detail_level: Type.Optional(
      Type.Union([Type.Literal(0), Type.Literal(1)], {
        description: "1 shows the source instead of the docstring. Default: 0.",
      }),
    ),
  },
  { ...closed, examples: [{ code: "len", cursor_pos: 3 }] },
);
export const IsCompleteBody = Type.Object(
  { code: Code },
  { ...closed, examples: [{ code: "for x in range(3):" }] },
);
export const VariablesQuery = Type.Object(
  {
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: VARIABLES_MAX,
        description: "How many variables at most. Default: 1000.",
      }),
    ),
  },
  closed,
);

export const {
  complete_reply: CompleteAnswer,
  inspect_reply: InspectAnswer,
  is_complete_reply: IsCompleteAnswer,
  variables_reply: VariablesAnswer,
} = answerSchemas;

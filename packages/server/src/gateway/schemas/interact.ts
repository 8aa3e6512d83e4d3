/** What an editor asks of a session, on the wire. The answers are the kernel's own. */

import { Type } from "typebox";
import { answerSchemas, VARIABLES_MAX } from "../../sandbox/questions.js";
import { closed, described, flag, named, text, told } from "./common.js";
import { FileEncoding } from "./execute.js";

const Code = text("Python source. IPython's syntax works.");
const CursorPosition = Type.Integer({
  minimum: 0,
  description: "In code points; default: the end of the code.",
});

const line = text("What `input()` returns, as it is: at most 65536 bytes, without a line end.");
const piece = {
  data: text(
    "Instead of `text`: the next piece of standard input, at most 65536 bytes, with its line ends; lines may go on in the next piece.",
  ),
  encoding: Type.Optional(described(FileEncoding, "Of `data`. Default: `utf-8`.")),
  eof: Type.Optional(
    flag("True: standard input ends, after `data` where there is some. Default: false."),
  ),
};
/** `input-reply.ts` says what is wrong with what is none of the three. */
export const InputBody = named(
  "InputRequest",
  "A line, a piece of standard input, or its end.",
  told(
    Type.Object(
      { text: Type.Optional(line), ...piece, data: Type.Optional(piece.data) },
      { ...closed, examples: [{ text: "Ada" }, { data: "1\n2\n", eof: true }] },
    ),
    Type.Union([
      named("InputLine", "What a person types.", Type.Object({ text: line }, closed)),
      named("InputPiece", "What a pipe has.", Type.Object(piece, closed)),
      named(
        "InputEnd",
        "There is no more input.",
        Type.Object({ eof: Type.Literal(true, { description: "Standard input ends." }) }, closed),
      ),
    ]),
  ),
);
export const InputAnswer = named(
  "InputResult",
  "The input was taken.",
  Type.Object({ status: Type.Literal("ok", { description: "It was waited for." }) }, closed),
);

export const CompleteBody = named(
  "CompleteRequest",
  "Code, and where the cursor stands.",
  Type.Object(
    { code: Code, cursor_pos: Type.Optional(CursorPosition) },
    { ...closed, examples: [{ code: "frame.hea", cursor_pos: 9 }] },
  ),
);
export const InspectBody = named(
  "InspectRequest",
  "Code, and where the cursor stands.",
  Type.Object(
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
  ),
);
export const IsCompleteBody = named(
  "IsCompleteRequest",
  "Code that somebody types.",
  Type.Object({ code: Code }, { ...closed, examples: [{ code: "for x in range(3):" }] }),
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

const { complete_reply, inspect_reply, is_complete_reply, variables_reply } = answerSchemas;
export const CompleteAnswer = named("CompleteResult", "How a name may end.", complete_reply);
export const InspectAnswer = named("InspectResult", "What a name is.", inspect_reply);
export const IsCompleteAnswer = named(
  "IsCompleteResult",
  "Whether code could run as it is.",
  is_complete_reply,
);
export const VariablesAnswer = named("VariableList", "Variables of a session.", variables_reply);

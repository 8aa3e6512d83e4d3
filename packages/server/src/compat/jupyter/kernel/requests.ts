/** What each request holds, in the words of Jupyter's message specification. Unknown fields are left alone. */

import { type Static, type TSchema, Type } from "typebox";
import { Compile, type Validator } from "typebox/compile";
import { ServiceError } from "../../../errors.js";
import { recordOf } from "../../../sandbox/records.js";
import { firstProblem } from "./first-problem.js";

const Text = Type.String();
const Short = Type.String({ maxLength: 256 });
const optional = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));
const Position = Type.Integer({ minimum: 0, maximum: 0x7fffffff });
const Flag = optional(Type.Boolean());
/** With `*` and `?`. */
const Glob = "pattern" as const;
const Count = optional(Type.Integer());
/** For the user's own code to look at. */
const Data = Type.Record(Type.String(), Type.Unknown());

const schemas = {
  execute_request: Type.Object({
    code: Text,
    silent: Flag,
    store_history: Flag,
    user_expressions: optional(
      recordOf(Type.String({ maxLength: 65_536 }), {
        maxProperties: 100,
        propertyNames: Type.String({ maxLength: 256 }),
      }),
    ),
    allow_stdin: Flag,
    stop_on_error: Flag,
  }),
  complete_request: Type.Object({ code: Text, cursor_pos: Position }),
  inspect_request: Type.Object({
    code: Text,
    cursor_pos: Position,
    detail_level: optional(Type.Union([Type.Literal(0), Type.Literal(1)])),
  }),
  is_complete_request: Type.Object({ code: Text }),
  history_request: Type.Object({
    hist_access_type: optional(Short),
    n: Count,
    start: Count,
    stop: Count,
    [Glob]: optional(Type.String({ maxLength: 64 })),
    output: Flag,
    unique: Flag,
  }),
  comm_open: Type.Object({ comm_id: Short, target_name: Short, data: Data }),
  comm_msg: Type.Object({ comm_id: Short, data: Data }),
  comm_close: Type.Object({ comm_id: Short, data: optional(Data) }),
  comm_info_request: Type.Object({ target_name: optional(Short) }),
  input_reply: Type.Object({ value: Text }),
  shutdown_request: Type.Object({ restart: Flag }),
  debug_request: Type.Object({ seq: Count, command: optional(Short) }),
} as const satisfies Record<string, TSchema>;

export type RequestName = keyof typeof schemas;
export type RequestContent<Name extends RequestName> = Static<(typeof schemas)[Name]>;

const checks = new Map<RequestName, Validator>();

/** @throws ServiceError INVALID_REQUEST */
export function readContent<Name extends RequestName>(
  name: Name,
  content: Readonly<Record<string, unknown>>,
): RequestContent<Name> {
  let check = checks.get(name);
  if (!check) {
    check = Compile(schemas[name] as TSchema);
    checks.set(name, check);
  }
  if (check.Check(content)) return content as RequestContent<Name>;
  throw new ServiceError("INVALID_REQUEST", `${name}: ${firstProblem(schemas[name], content)}`);
}

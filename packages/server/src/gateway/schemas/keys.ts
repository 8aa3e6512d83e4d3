/** Keys on the wire. */

import { Type } from "typebox";
import { KeyName, KeyQuotas, KeyRole } from "../../access/key-file.js";
import { Count, nullable, Timestamp } from "./answers.js";
import { closed } from "./common.js";

export const CreateKeyBody = Type.Object(
  { name: KeyName, role: KeyRole, quotas: Type.Optional(KeyQuotas) },
  { ...closed, examples: [{ name: "reports", role: "execute", quotas: { sessions: 5 } }] },
);

export const KeyParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) }, closed);

const keyFields = {
  id: Type.String(),
  name: KeyName,
  role: KeyRole,
  prefix: Type.String({ description: "The beginning of the key, to tell keys apart." }),
  created_at: Timestamp,
  created_by: nullable(
    Type.String({ description: "Who made it: the id of a key, or `admin`; null for older keys." }),
  ),
  last_used_at: nullable(Timestamp),
  quotas: KeyQuotas,
};
export const CreatedKeyAnswer = Type.Object(
  { ...keyFields, key: Type.String({ description: "The key itself, shown this once." }) },
  closed,
);
export const KeysAnswer = Type.Object(
  {
    keys: Type.Array(
      Type.Object(
        {
          ...keyFields,
          usage: Type.Object(
            {
              sessions: Count,
              requests_per_minute: Count,
              cpu_seconds_per_hour: Type.Number({ minimum: 0 }),
            },
            closed,
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);

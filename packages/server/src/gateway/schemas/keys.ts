/** Keys on the wire. */

import { Type } from "typebox";
import { KeyName, KeyQuotas, KeyRole } from "../../access/key-file.js";
import { nullable } from "./answers.js";
import { closed, count, described, duration, named, text, time } from "./common.js";

const name = described(
  KeyName,
  "1 to 64 characters of `A-Za-z0-9 ._:@-`, beginning with a letter or digit; need not be unique.",
);
const role = named("KeyRole", "What it may do, see docs/access.md#roles.", KeyRole);
const quotas = named("KeyQuotas", "What it may use; absent ones are without bound.", KeyQuotas);

export const CreateKeyBody = named(
  "CreateKeyRequest",
  "A key to make.",
  Type.Object(
    { name, role, quotas: Type.Optional(quotas) },
    { ...closed, examples: [{ name: "reports", role: "execute", quotas: { sessions: 5 } }] },
  ),
);

export const KeyParams = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: 64, description: "The key's id." }) },
  closed,
);

const keyFields = {
  id: text("The key's id, which is no secret."),
  name,
  role,
  prefix: text("The beginning of the key, to tell keys apart."),
  created_at: time("When it was made."),
  created_by: nullable(
    text("Who made it: the id of a key, or `admin`; null for keys of older servers."),
  ),
  last_used_at: nullable(time("When it was last used, or null.")),
  quotas,
};
export const CreatedKeyAnswer = named(
  "CreatedKey",
  "A key with its secret.",
  Type.Object({ ...keyFields, key: text("The key itself, shown this once.") }, closed),
);

const Usage = named(
  "KeyUsage",
  "What counts towards its quotas.",
  Type.Object(
    {
      sessions: count("Sessions that live now."),
      requests_per_minute: count(
        "Requests that are missing to a full bucket; 0 without the quota.",
      ),
      cpu_seconds_per_hour: duration("CPU seconds of the last hour."),
    },
    closed,
  ),
);
const KeyInfo = named(
  "KeyInfo",
  "A key and what it has used.",
  Type.Object({ ...keyFields, usage: Usage }, closed),
);
export const KeysAnswer = named(
  "KeyList",
  "Every key.",
  Type.Object(
    {
      keys: Type.Array(KeyInfo, {
        description: "Every key, without its secret.",
      }),
    },
    closed,
  ),
);

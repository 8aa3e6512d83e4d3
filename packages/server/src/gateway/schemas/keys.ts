/** Keys on the wire. */

import { Type } from "typebox";
import { KeyName, KeyQuotas, KeyRole } from "../../access/key-file.js";
import { closed } from "./common.js";

export const CreateKeyBody = Type.Object(
  { name: KeyName, role: KeyRole, quotas: Type.Optional(KeyQuotas) },
  closed,
);

export const KeyParams = Type.Object({ id: Type.String({ minLength: 1, maxLength: 64 }) }, closed);

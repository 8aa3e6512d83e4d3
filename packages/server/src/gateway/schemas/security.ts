/** The panic button and its kin on the wire. */

import { Type } from "typebox";
import { closed } from "./common.js";

export const PanicBody = Type.Object(
  // Cut by the route: nobody shall have to count characters at that moment.
  { reason: Type.Optional(Type.String({ minLength: 1 })) },
  closed,
);

export const ContainerParams = Type.Object(
  { id: Type.String({ pattern: "^[a-z0-9]{8,32}$" }) },
  closed,
);

/** Bodies and parameters of Jupyter's REST interface. Clients send more than is looked at. */

import { type Static, type TSchema, Type } from "typebox";

const Short = Type.String({ maxLength: 256 });
const Path = Type.String({ maxLength: 4096 });
const orNull = <T extends TSchema>(schema: T) => Type.Optional(Type.Union([schema, Type.Null()]));

export const UuidParams = Type.Object({ id: Type.String({ maxLength: 128 }) });
export const NameParams = Type.Object({ name: Type.String({ maxLength: 128 }) });

/** `channels?session_id=…`; the token, where it comes in the address, is read before. */
export const ChannelsQuery = Type.Object({ session_id: Type.Optional(Short) });

export const KernelBody = Type.Object({ name: orNull(Short), kernel_id: orNull(Short) });
export type KernelBody = Static<typeof KernelBody>;

const AskedKernel = Type.Object({ name: orNull(Short), id: orNull(Short) });
export const NewSessionBody = Type.Object({
  path: Path,
  name: orNull(Path),
  type: orNull(Short),
  kernel: orNull(AskedKernel),
});
export const ChangeSessionBody = Type.Object({
  path: orNull(Path),
  name: orNull(Path),
  type: orNull(Short),
  kernel: orNull(AskedKernel),
});

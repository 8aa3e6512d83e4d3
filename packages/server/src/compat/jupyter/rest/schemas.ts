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

/** The path is the wildcard of the route, whose name "*" a schema cannot spell. */
export const ContentParams = Type.Object({}, { additionalProperties: Type.String() });
export type ContentParams = Static<typeof ContentParams> & { readonly "*"?: string };
export const ContentQuery = Type.Object({
  content: Type.Optional(Type.Union([Type.Literal("0"), Type.Literal("1")])),
  type: Type.Optional(Short),
  format: Type.Optional(Type.Union([Type.Literal("text"), Type.Literal("base64")])),
});
export const NewContentBody = Type.Object({
  type: orNull(Short),
  ext: orNull(Type.String({ maxLength: 64 })),
  copy_from: orNull(Path),
});
export const ContentBody = Type.Object({
  type: orNull(Short),
  format: orNull(Short),
  content: Type.Optional(Type.Unknown()),
  chunk: orNull(Type.Integer({ minimum: -1, maximum: 100_000 })),
});
export const MoveBody = Type.Object({ path: Path });

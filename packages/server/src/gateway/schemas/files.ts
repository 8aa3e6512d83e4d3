/** Files of a session on the wire. */

import { type Static, Type } from "typebox";
import { Count, Timestamp } from "./answers.js";
import { closed, SessionId } from "./common.js";

const Flag = Type.Union([Type.Literal("true"), Type.Literal("false")]);
const Archive = Type.Union([Type.Literal("tar"), Type.Literal("zip")]);

/** The path is the wildcard of the route, whose name "*" a schema cannot spell. */
export const FileParams = Type.Object({ id: SessionId }, { additionalProperties: Type.String() });
export type FileParams = Static<typeof FileParams> & { readonly "*": string };
export const ListQuery = Type.Object(
  {
    path: Type.Optional(Type.String({ description: "The folder; /workspace itself without." })),
    recursive: Type.Optional(Flag),
    archive: Type.Optional(Archive),
  },
  closed,
);
export const ReadQuery = Type.Object({ archive: Type.Optional(Archive) }, closed);
export type ReadQuery = Static<typeof ReadQuery>;
export const WriteQuery = Type.Object(
  { type: Type.Optional(Type.Union([Type.Literal("file"), Type.Literal("directory")])) },
  closed,
);
export const RemoveQuery = Type.Object({ recursive: Type.Optional(Flag) }, closed);
export const UploadQuery = Type.Object(
  { path: Type.Optional(Type.String({ description: "The folder; /workspace itself without." })) },
  closed,
);
export const WatchQuery = UploadQuery;
export const RenameBody = Type.Object(
  { path: Type.String(), overwrite: Type.Optional(Type.Boolean()) },
  { ...closed, examples: [{ path: "results/final.csv" }] },
);

export const FileKind = Type.Union([
  Type.Literal("file"),
  Type.Literal("directory"),
  Type.Literal("link"),
  Type.Literal("other"),
]);
export const ListAnswer = Type.Object(
  {
    path: Type.String(),
    entries: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          path: Type.String(),
          type: FileKind,
          size: Count,
          mtime: Timestamp,
        },
        closed,
      ),
    ),
    truncated: Type.Boolean(),
  },
  closed,
);
export const WrittenAnswer = Type.Object({ path: Type.String(), size: Count }, closed);
export const UploadedAnswer = Type.Object({ files: Type.Array(WrittenAnswer) }, closed);
export const RenamedAnswer = Type.Object({ path: Type.String() }, closed);

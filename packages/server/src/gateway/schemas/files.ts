/** Files of a session on the wire. */

import { type Static, Type } from "typebox";
import {
  closed,
  count,
  described,
  FilePath,
  flag,
  named,
  PathSession,
  text,
  time,
  told,
} from "./common.js";

const Flag = told(Type.Union([Type.Literal("true"), Type.Literal("false")]), Type.Boolean());
const Archive = named(
  "ArchiveFormat",
  "The whole folder as one archive.",
  Type.Union([Type.Literal("tar"), Type.Literal("zip")]),
);
const Folder = text("The folder; `/workspace` itself without.");

/** The path is the wildcard of the route, whose name "*" a schema cannot spell. */
export const FileParams = Type.Object({ id: PathSession }, { additionalProperties: Type.String() });
export type FileParams = Static<typeof FileParams> & { readonly "*": string };
export const ListQuery = Type.Object(
  {
    path: Type.Optional(Folder),
    recursive: Type.Optional(described(Flag, "Everything below it. Default: `false`.")),
    archive: Type.Optional(Archive),
  },
  closed,
);
export const ReadQuery = Type.Object({ archive: Type.Optional(Archive) }, closed);
export type ReadQuery = Static<typeof ReadQuery>;
export const WriteQuery = Type.Object(
  {
    type: Type.Optional(
      Type.Union([Type.Literal("file"), Type.Literal("directory")], {
        description: "`directory` makes a folder. Default: `file`.",
      }),
    ),
  },
  closed,
);
export const RemoveQuery = Type.Object(
  {
    recursive: Type.Optional(described(Flag, "A folder with everything in it. Default: `false`.")),
  },
  closed,
);
export const UploadQuery = Type.Object({ path: Type.Optional(Folder) }, closed);
export const WatchQuery = UploadQuery;
export const RenameBody = named(
  "RenameRequest",
  "Where a file or folder goes.",
  Type.Object(
    {
      path: described(
        FilePath,
        "The new path, relative to `/workspace`. Folders on the way are made.",
      ),
      overwrite: Type.Optional(flag("Whether a file that is there is replaced. Default: false.")),
    },
    { ...closed, examples: [{ path: "results/final.csv" }] },
  ),
);

export const FileKind = named(
  "FileType",
  "What a path names.",
  Type.Union([
    Type.Literal("file"),
    Type.Literal("directory"),
    Type.Literal("link"),
    Type.Literal("other"),
  ]),
);
const workspacePath = text("Relative to `/workspace`.");
const size = count("Bytes.");
const Entry = named(
  "FileEntry",
  "A file or folder.",
  Type.Object(
    {
      name: text("The last part of its path."),
      path: workspacePath,
      type: described(FileKind, "`link` is a symbolic one."),
      size,
      mtime: time("When it was last changed."),
    },
    closed,
  ),
);
export const ListAnswer = named(
  "FileList",
  "What is in a folder.",
  Type.Object(
    {
      path: text("The folder, relative to `/workspace`."),
      entries: Type.Array(Entry, {
        description: "At most 10000, those of a folder in the order of their names.",
      }),
      truncated: flag("Whether there are more, or some too deep for a path."),
    },
    closed,
  ),
);
export const WrittenAnswer = named(
  "WrittenFile",
  "A file that was written.",
  Type.Object({ path: workspacePath, size }, closed),
);
export const UploadedAnswer = named(
  "UploadResult",
  "The files of a form.",
  Type.Object({ files: Type.Array(WrittenAnswer, { description: "What was written." }) }, closed),
);
export const RenamedAnswer = named(
  "RenamedFile",
  "Where a file or folder is now.",
  Type.Object({ path: text("The new path, relative to `/workspace`.") }, closed),
);

/** Packages on the wire. */

import { Type } from "typebox";
import { closed } from "./common.js";

export const PackageList = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
  minItems: 1,
  maxItems: 50,
});

export const InstallBody = Type.Object(
  { packages: PackageList },
  { ...closed, examples: [{ packages: ["attrs>=24"] }] },
);

export const InstallAnswer = Type.Object(
  {
    status: Type.Literal("ok"),
    installed: Type.Array(Type.Object({ name: Type.String(), version: Type.String() }, closed), {
      description: "What is new, dependencies included.",
    }),
    output: Type.String({ description: "The end of what pip said." }),
  },
  closed,
);

/** Packages on the wire. */

import { Type } from "typebox";
import { closed, described, named, text } from "./common.js";

export const PackageList = Type.Array(Type.String({ minLength: 1, maxLength: 200 }), {
  minItems: 1,
  maxItems: 50,
});

export const InstallBody = named(
  "InstallPackagesRequest",
  "Packages to install.",
  Type.Object(
    {
      packages: described(
        PackageList,
        "Names with extras and versions, such as `polars[numpy]>=1,<2`. No options, addresses or paths.",
      ),
    },
    { ...closed, examples: [{ packages: ["attrs>=24"] }] },
  ),
);

const Installed = named(
  "InstalledPackage",
  "A package that was installed.",
  Type.Object(
    { name: text("The package's name."), version: text("The version that was installed.") },
    closed,
  ),
);
export const InstallAnswer = named(
  "InstallPackagesResult",
  "What was installed.",
  Type.Object(
    {
      status: Type.Literal("ok", { description: "All of them are there." }),
      installed: Type.Array(Installed, { description: "What is new, dependencies included." }),
      output: text("The end of what pip said."),
    },
    closed,
  ),
);

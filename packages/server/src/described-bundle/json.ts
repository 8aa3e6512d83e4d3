/** JSON as it is where it is short, else by its kind, its length and its names. */

import { bounded, counted, fieldsOf, size, THINGS_MAX } from "./words.js";

const VALUES_MAX = 200;
const JSON_CHARACTERS_MAX = 4000;
/** Of a list that are looked at for what it is a list of. */
const ENTRIES_LOOKED_AT = 1000;

/** In one line, or in several where it is short. */
export function describeJson(json: unknown): string {
  return isSmall(json) ? JSON.stringify(json, undefined, 2) : `(JSON: ${kindOf(json)})`;
}

export function describeGeoJson(json: unknown): string {
  const { type, features, geometry } = fieldsOf(json);
  const kinds = Array.isArray(features)
    ? features.slice(0, ENTRIES_LOOKED_AT).map((one) => fieldsOf(fieldsOf(one)["geometry"])["type"])
    : [fieldsOf(geometry)["type"]];
  const shapes = [...new Set(kinds.filter((kind) => typeof kind === "string"))];
  const told = shapes.slice(0, THINGS_MAX).map((shape) => bounded(shape, 30));
  const parts = [
    typeof type === "string" ? bounded(type, 30) : "",
    Array.isArray(features) ? `of ${counted(features.length, "feature")}` : "",
  ].filter((part) => part !== "");
  return `(GeoJSON: ${parts.join(" ") || kindOf(json)}${told.length > 0 ? `, ${told.join(", ")}` : ""})`;
}

function kindOf(json: unknown): string {
  if (Array.isArray(json)) return `a list of ${counted(json.length, entryKind(json))}`;
  if (typeof json === "string") return `a text of ${size(json.length)}`;
  if (typeof json !== "object" || json === null) return bounded(String(json));
  const names: string[] = [];
  let count = 0;
  for (const name in json) if (++count <= THINGS_MAX) names.push(bounded(name, 40));
  const more = count > names.length ? ", …" : "";
  return `an object of ${counted(count, "field")}: ${names.join(", ")}${more}`;
}

/** Of all entries, as far as they are looked at. */
function entryKind(list: readonly unknown[]): string {
  const kinds = new Set(list.slice(0, ENTRIES_LOOKED_AT).map(kindOfEntry));
  const [kind = "entry"] = kinds;
  return kinds.size === 1 && kind !== "other" ? kind : "value";
}

function kindOfEntry(entry: unknown): string {
  if (Array.isArray(entry)) return "list";
  if (typeof entry === "number") return "number";
  if (typeof entry === "string") return "text";
  return typeof entry === "object" && entry !== null ? "object" : "other";
}

/** Looks at no more of it than that. */
function isSmall(json: unknown): boolean {
  const open = [json];
  let characters = 0;
  for (let at = 0; at < open.length; at++) {
    const value = open[at];
    if (typeof value === "string") characters += value.length;
    // The names of a long list would all be made before the first is looked at.
    if (Array.isArray(value) && value.length > VALUES_MAX) return false;
    if (typeof value === "object" && value !== null) {
      for (const name in value) {
        characters += name.length;
        open.push((value as Record<string, unknown>)[name]);
        if (open.length > VALUES_MAX) return false;
      }
    }
    if (characters > JSON_CHARACTERS_MAX) return false;
  }
  return true;
}

/** Charts of plotly and Vega by their titles and series. */

import {
  bounded,
  type Fields,
  fieldsOf,
  NAME_CHARACTERS_MAX,
  quoted,
  THINGS_MAX,
} from "./words.js";

export function describePlotly(value: unknown): string {
  const { data, layout } = fieldsOf(value);
  const title = titleOf(fieldsOf(layout)["title"]);
  const series = Array.isArray(data) ? data : [];
  const told = series.slice(0, THINGS_MAX).map((one) => describeTrace(fieldsOf(one)));
  return chart("plotly", title, told, series.length);
}

function describeTrace(trace: Fields): string {
  const kind = typeof trace["type"] === "string" ? trace["type"] : "scatter";
  const name = trace["name"];
  const named = typeof name === "string" && name !== "" ? ` ${quoted(name)}` : "";
  const count = Math.max(
    ...["x", "y", "z", "values", "labels", "lat"].map((field) => lengthOf(trace[field])),
  );
  const points = count > 0 ? ` (${count} ${count === 1 ? "value" : "values"})` : "";
  return `${bounded(kind, NAME_CHARACTERS_MAX)}${named}${points}`;
}

/** A list, or numbers in base64 as newer versions of plotly send them. */
function lengthOf(value: unknown): number {
  if (Array.isArray(value)) return value.length;
  const { bdata, dtype } = fieldsOf(value);
  if (typeof bdata !== "string" || typeof dtype !== "string") return 0;
  const bytes = Number(/\d$/.exec(dtype)?.[0] ?? 0);
  return bytes > 0 ? Math.floor((bdata.length * 3) / 4 / bytes) : 0;
}

export function describeVega(value: unknown): string {
  const chartFields = fieldsOf(value);
  const { mark, encoding, layer } = chartFields;
  const parts = Array.isArray(layer) ? layer.map(fieldsOf) : [{ mark, encoding }];
  const told = parts.slice(0, THINGS_MAX).map((part) => {
    const kind = typeof part["mark"] === "string" ? part["mark"] : fieldsOf(part["mark"])["type"];
    const fields = Object.entries(fieldsOf(part["encoding"]))
      .slice(0, THINGS_MAX)
      .flatMap(([channel, one]) => {
        const { field } = fieldsOf(one);
        return typeof field === "string" ? [`${bounded(channel, 20)}: ${quoted(field)}`] : [];
      });
    const shown = typeof kind === "string" ? bounded(kind, NAME_CHARACTERS_MAX) : "marks";
    return fields.length > 0 ? `${shown} (${fields.join(", ")})` : shown;
  });
  return chart("Vega", titleOf(chartFields["title"]), told, parts.length);
}

function chart(by: string, title: string, told: readonly string[], count: number): string {
  const more = count > told.length ? `, and ${count - told.length} more` : "";
  return `(a ${by} chart${title}${told.length > 0 ? `: ${told.join(", ")}${more}` : ""})`;
}

/** A text, or an object that has it. */
function titleOf(title: unknown): string {
  const text = typeof title === "string" ? title : fieldsOf(title)["text"];
  return typeof text === "string" && text !== "" ? ` ${quoted(text)}` : "";
}

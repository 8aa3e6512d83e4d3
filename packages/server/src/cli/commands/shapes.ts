/**
 * Shapes of JSON, as far as a command relies on them. What a newer server adds is passed over; a
 * server that is none of ours, or of another version, is told apart by what is missing.
 */

/** Undefined when it fits, else which part of the value does not. */
export type Shape = (value: unknown) => string | undefined;

const when =
  (fits: (value: unknown) => boolean): Shape =>
  (value) =>
    fits(value) ? undefined : "";

export const text = when((value) => typeof value === "string");
export const number = when((value) => typeof value === "number" && Number.isFinite(value));
export const integer = when((value) => Number.isSafeInteger(value));
export const truth = when((value) => typeof value === "boolean");
export const anything: Shape = () => undefined;
export const bundle = when(isRecord);

/** An exit code, which a process can end with. */
export const exitCode = when(
  (value) => Number.isInteger(value) && Math.abs(value as number) < 2 ** 31,
);

export function nullable(shape: Shape): Shape {
  return (value) => (value === null ? undefined : shape(value));
}

export function optional(shape: Shape): Shape {
  return (value) => (value === undefined ? undefined : shape(value));
}

export function either(...shapes: readonly Shape[]): Shape {
  return when((value) => shapes.some((shape) => shape(value) === undefined));
}

export function list(shape: Shape): Shape {
  return (value) => {
    if (!Array.isArray(value)) return "";
    for (const [index, item] of value.entries()) {
      const wrong = shape(item);
      if (wrong !== undefined) return `[${index}]${wrong}`;
    }
    return undefined;
  };
}

export function record(fields: Readonly<Record<string, Shape>>): Shape {
  return (value) => {
    if (!isRecord(value)) return "";
    for (const [name, shape] of Object.entries(fields)) {
      const wrong = shape(value[name]);
      if (wrong !== undefined) return `.${name}${wrong}`;
    }
    return undefined;
  };
}

/** One of several records, told apart by the text of a field; others are passed over. */
export function variants(field: string, shapes: Readonly<Record<string, Shape>>): Shape {
  return (value) => {
    const name = isRecord(value) ? value[field] : undefined;
    if (typeof name !== "string") return `.${field}`;
    return Object.hasOwn(shapes, name) ? shapes[name]?.(value) : undefined;
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

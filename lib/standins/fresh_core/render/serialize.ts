import { isValidElement } from "preact";

/**
 * Writes island props as JSON inside a JavaScript string literal that is safe in a `<script>`. The browser reads it with
 * `JSON.parse`, for which "__proto__" is an ordinary key. Throws a TypeError for a value that JSON would change.
 */
export function serialize(props: readonly unknown[]): string {
  const json = JSON.stringify(props, function (this: Record<string, unknown>, key, value) {
    // Not `value`, which a toJSON method may have made of it.
    const problem = problemOf(this[key]);
    if (problem !== null) throw new TypeError(`Island prop "${key}" is ${problem}: the stand-in sends only JSON.`);
    return value;
  });
  // "<" could end the script or open a comment in it; U+2028 and U+2029 end a line in old JavaScript.
  const safe = json.replace(/[\\']/g, "\\$&").replace(
    /[<>\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `'${safe}'`;
}

function problemOf(value: unknown): string | null {
  if (typeof value === "number") return Number.isFinite(value) ? null : String(value);
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint") return `a ${typeof value}`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  if (isValidElement(value)) return "a JSX element";
  const prototype = Object.getPrototypeOf(value);
  const isPlain = prototype === null || Object.getPrototypeOf(prototype) === null;
  return isPlain ? null : `a ${value.constructor?.name ?? "class instance"}`;
}

import { assertEquals } from "./compare.ts";

type Loose = Record<PropertyKey, unknown>;

/** Fails unless `actual` has everything that `expected` has, all the way down. What it has besides does not matter. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any -- any object may be given
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals(pick(actual, expected, new Map()), pick(expected, expected, new Map()), msg);
}

/** The part of `value` that `wanted` speaks of, as plain objects, arrays, maps and sets. */
function pick(value: unknown, wanted: unknown, done: Map<unknown, Map<unknown, unknown>>): unknown {
  if (!isContainer(value) || !isContainer(wanted)) return value;
  const results = done.get(value) ?? new Map<unknown, unknown>();
  done.set(value, results);
  if (results.has(wanted)) return results.get(wanted);
  if (Array.isArray(value) && Array.isArray(wanted)) {
    const list: unknown[] = [];
    results.set(wanted, list);
    value.slice(0, wanted.length).forEach((item, i) => list.push(pick(item, wanted[i], done)));
    return list;
  }
  if (value instanceof Map && wanted instanceof Map) {
    const map = new Map();
    results.set(wanted, map);
    for (const [key, item] of value) {
      if (wanted.has(key)) map.set(key, pick(item, wanted.get(key), done));
    }
    return map;
  }
  if (value instanceof Set && wanted instanceof Set) return value.intersection(wanted);
  const object: Loose = {};
  results.set(wanted, object);
  for (const key of Reflect.ownKeys(wanted)) {
    if (!(key in value)) continue;
    const part = pick((value as Loose)[key], (wanted as Loose)[key], done);
    Object.defineProperty(object, key, { value: part, configurable: true, enumerable: true, writable: true });
  }
  return object;
}

function isContainer(value: unknown): value is object {
  return typeof value === "object" && value !== null && !(value instanceof Date) && !(value instanceof RegExp) &&
    !ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer);
}

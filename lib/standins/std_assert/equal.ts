type Keyed = Record<PropertyKey, unknown>;

const TypedArray: abstract new () => ArrayLike<unknown> = Object.getPrototypeOf(Uint8Array);

/**
 * Tells whether two values are deeply equal: the same content and the same prototype. `0` equals `-0`, `NaN` equals
 * itself, and a missing property differs from an undefined one. Functions are compared by identity. Values may be
 * circular. Throws a TypeError for a WeakMap or WeakSet, whose content cannot be read.
 */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

function compare(a: unknown, b: unknown, assumed: Map<unknown, unknown>): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (!haveSamePrototype(a, b)) return false;
  if (a instanceof WeakMap || a instanceof WeakSet) {
    throw new TypeError(`Cannot compare ${a.constructor.name} instances`);
  }
  if (a instanceof Date) return Object.is(a.getTime(), (b as Date).getTime());
  if (a instanceof TypedArray) return areListsEqual(a, b as ArrayLike<unknown>);
  if (a instanceof ArrayBuffer || a instanceof SharedArrayBuffer) {
    return areListsEqual(new Uint8Array(a), new Uint8Array(b as ArrayBuffer));
  }
  if (a instanceof WeakRef) return compare(a.deref(), (b as WeakRef<WeakKey>).deref(), assumed);
  if (isWrittenAsText(a)) return String(a) === String(b);
  // This pair is already being compared further up: a circle, which adds no difference.
  if (assumed.get(a) === b) return true;
  assumed.set(a, b);
  if (a instanceof Set) return areSetsEqual(a, b as Set<unknown>, assumed);
  if (a instanceof Map) return areMapsEqual(a, b as Map<unknown, unknown>, assumed);

  const [keyedA, keyedB] = [a as Keyed, b as Keyed];
  const keys = new Set([...keysOf(a), ...keysOf(b)]);
  for (const key of keys) {
    if ((key in a) !== (key in b) || !compare(keyedA[key], keyedB[key], assumed)) return false;
  }
  return true;
}

/** Treats an object without a prototype like an object literal. */
function haveSamePrototype(a: object, b: object): boolean {
  const plain = (value: object) => Object.getPrototypeOf(value) ?? Object.prototype;
  return plain(a) === plain(b);
}

function isWrittenAsText(value: object): boolean {
  return value instanceof RegExp || value instanceof URL || value instanceof URLSearchParams ||
    value instanceof Intl.Locale || Object.prototype.toString.call(value).startsWith("[object Temporal.");
}

function areListsEqual(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i] && !Object.is(a[i], b[i])) return false;
  }
  return true;
}

function areSetsEqual(a: Set<unknown>, b: Set<unknown>, assumed: Map<unknown, unknown>): boolean {
  if (a.size !== b.size) return false;
  const unmatched = new Set([...b].filter((item) => !a.has(item)));
  for (const item of a) {
    if (b.has(item)) continue;
    const twin = [...unmatched].find((candidate) => compare(item, candidate, new Map(assumed)));
    if (twin === undefined || !unmatched.delete(twin)) return false;
  }
  return true;
}

function areMapsEqual(a: Map<unknown, unknown>, b: Map<unknown, unknown>, assumed: Map<unknown, unknown>): boolean {
  if (a.size !== b.size) return false;
  const unmatched = new Map(b);
  for (const [key, value] of a) {
    const twin = b.has(key)
      ? (compare(value, b.get(key), assumed) ? { key } : null)
      : [...unmatched].map(([key, value]) => ({ key, value })).find((candidate) =>
        compare(key, candidate.key, new Map(assumed)) && compare(value, candidate.value, new Map(assumed))
      ) ?? null;
    if (twin === null || !unmatched.delete(twin.key)) return false;
  }
  return true;
}

/** Lists own properties and those of the classes that the value is an instance of. */
function keysOf(value: object): PropertyKey[] {
  const keys: PropertyKey[] = [];
  for (
    let level: object | null = value;
    level !== null && level !== Object.prototype && level !== Array.prototype;
    level = Object.getPrototypeOf(level)
  ) {
    keys.push(...Reflect.ownKeys(level));
  }
  return keys;
}

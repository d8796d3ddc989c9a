// Runs in browser and server.

/** Deep equality of plain values. */
export function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const right = b as Record<string, unknown>;
  const left = Object.entries(a);
  return left.length === Object.keys(b).length && left.every(([name, value]) => isSame(value, right[name]));
}

/** How the browser makes what only it can make. */
export interface Makers {
  signal(value: unknown): unknown;
  computed(value: unknown): unknown;
  slot(id: number): unknown;
}

/** Reads what `serialize` wrote; see there for the format. Shared and circular references are restored. */
export function deserialize(nodes: readonly unknown[], make: Makers): unknown {
  const values: unknown[] = [];
  const isDone: boolean[] = [];

  function at(index: number): unknown {
    if (!isDone[index]) {
      isDone[index] = true;
      read(index);
    }
    return values[index];
  }

  function read(index: number): void {
    const node = nodes[index];
    if (!Array.isArray(node)) {
      values[index] = node;
      return;
    }
    const [tag, first, second] = node;
    switch (tag) {
      case "n":
        values[index] = Number(first);
        break;
      case "i":
        values[index] = BigInt(first);
        break;
      case "u":
        values[index] = undefined;
        break;
      case "d":
        values[index] = new Date(first ?? NaN);
        break;
      case "l":
        values[index] = new URL(first);
        break;
      case "r":
        values[index] = new RegExp(first, second);
        break;
      case "b":
        values[index] = Uint8Array.from(atob(first), (char) => char.charCodeAt(0));
        break;
      case "T":
        values[index] = (globalThis as unknown as {
          Temporal: Record<string, { from(text: string): unknown }>;
        })
          .Temporal[first]!.from(second);
        break;
      case "slot":
        values[index] = make.slot(first);
        break;
      case "s": {
        // Made before its value is read: the value may lead back to the signal.
        const made = make.signal(undefined) as { value: unknown };
        values[index] = made;
        made.value = at(first);
        break;
      }
      case "c":
        values[index] = make.computed(at(first));
        break;
      case "a": {
        const list: unknown[] = new Array(first.length);
        values[index] = list;
        first.forEach((entry: number, i: number) => {
          if (entry >= 0) list[i] = at(entry);
        });
        break;
      }
      case "t": {
        const set = new Set();
        values[index] = set;
        for (const entry of first) set.add(at(entry));
        break;
      }
      case "m": {
        const map = new Map();
        values[index] = map;
        for (const [key, entry] of first) map.set(at(key), at(entry));
        break;
      }
      case "o": {
        const object: Record<string, unknown> = {};
        values[index] = object;
        for (const [key, entry] of first) {
          // "__proto__" as a key must become a property, never the prototype.
          Object.defineProperty(object, key, {
            value: at(entry),
            writable: true,
            enumerable: true,
            configurable: true,
          });
        }
        break;
      }
      default:
        throw new TypeError(`Unknown tag "${tag}" in island props.`);
    }
  }

  return at(0);
}

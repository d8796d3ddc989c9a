/** A reference to a piece of the page that an island shows as one of its props. */
export interface SlotRef {
  readonly slot: number;
}

/** What the server must be told to recognise: signals and slots. */
export interface Recognisers {
  /** The slot that stands for this value, or null. */
  slotOf(value: object): SlotRef | null;
}

interface SignalLike {
  peek(): unknown;
}

/** Typed arrays are written as their bytes. */
const CHUNK_BYTES = 0x8000;

function isSignal(value: object): value is SignalLike {
  return "peek" in value && typeof value.peek === "function" &&
    "value" in value;
}

function isComputed(signal: SignalLike): boolean {
  return ["x", "_fn"].some((name) => typeof (signal as unknown as Record<string, unknown>)[name] === "function");
}

/**
 * Writes island props as a string that is safe inside a `<script>`: a JSON array of nodes that name each other by
 * index, so that shared and circular references stay shared. Node 0 is the whole. A plain string, finite number,
 * boolean or null is written as itself; everything else is `[tag, …]`. Throws for functions, symbols and instances of
 * classes that it does not know.
 */
export function serialize(value: unknown, recognise: Recognisers): string {
  const nodes: unknown[] = [];
  const indexes = new Map<unknown, number>();

  function add(item: unknown, path: string): number {
    const known = indexes.get(item);
    // -0 and 0 are one Map key, and only one of them is written as itself.
    if (known !== undefined && item !== 0) return known;
    const index = nodes.push(null) - 1;
    indexes.set(item, index);
    nodes[index] = nodeOf(item, path);
    return index;
  }

  function nodeOf(item: unknown, path: string): unknown {
    switch (typeof item) {
      case "string":
      case "boolean":
        return item;
      case "number":
        return Number.isFinite(item) && !Object.is(item, -0) ? item : ["n", Object.is(item, -0) ? "-0" : String(item)];
      case "bigint":
        return ["i", String(item)];
      case "undefined":
        return ["u"];
      case "object":
        return item === null ? null : objectNode(item, path);
      default:
        throw new TypeError(
          `Island prop "${path}" is a ${typeof item}, which cannot be sent to the browser.`,
        );
    }
  }

  function objectNode(item: object, path: string): unknown {
    const slot = recognise.slotOf(item);
    if (slot !== null) return ["slot", slot.slot];
    if (isSignal(item)) {
      return [isComputed(item) ? "c" : "s", add(item.peek(), `${path}.value`)];
    }
    if (Array.isArray(item)) {
      return [
        "a",
        Array.from(
          item,
          (entry, i) => i in item ? add(entry, `${path}[${i}]`) : -1,
        ),
      ];
    }
    if (item instanceof Date) return ["d", item.getTime()];
    if (item instanceof URL) return ["l", item.href];
    if (item instanceof RegExp) return ["r", item.source, item.flags];
    if (item instanceof Set) {
      return [
        "t",
        Array.from(item, (entry) => add(entry, `${path}{}`)),
      ];
    }
    if (item instanceof Map) {
      return [
        "m",
        Array.from(
          item,
          ([k, v]) => [add(k, `${path} key`), add(v, `${path} value`)],
        ),
      ];
    }
    if (item instanceof Uint8Array) return ["b", toBase64(item)];
    const temporal = Object.prototype.toString.call(item);
    if (temporal.startsWith("[object Temporal.")) {
      return ["T", temporal.slice("[object Temporal.".length, -1), `${item}`];
    }
    const prototype = Object.getPrototypeOf(item);
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
      throw new TypeError(
        `Island prop "${path}" is a ${
          item.constructor?.name ?? "class instance"
        }, which cannot be sent to the browser.`,
      );
    }
    return [
      "o",
      Object.entries(item).map(([key, entry]) => [key, add(entry, path === "" ? key : `${path}.${key}`)]),
    ];
  }

  add(value, "");
  // "<" could end the script or open a comment in it; U+2028 and U+2029 end a line in old JavaScript.
  return JSON.stringify(nodes).replace(
    /[<>\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let i = 0; i < bytes.length; i += CHUNK_BYTES) {
    binary += String.fromCharCode(...bytes.subarray(i, i + CHUNK_BYTES));
  }
  return btoa(binary);
}

import type { Method } from "../types.ts";

/** Every method, in the order of the Allow header. */
export const METHODS: readonly Method[] = ["GET", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

interface Entry<T> {
  readonly pattern: URLPattern | null;
  readonly items: Map<Method, T>;
}

/** The result of a look-up: `item` is null if the method is unknown, `pattern` is null if the path is too. */
export interface Match<T> {
  readonly item: T | null;
  readonly pattern: string | null;
  readonly params: Record<string, string>;
}

/** Finds the item for a method and path. Fixed paths win over patterns; among patterns, the first added wins. */
export class Router<T> {
  readonly #fixed = new Map<string, Entry<T>>();
  readonly #dynamic = new Map<string, Entry<T>>();

  /** Adds an item; the first one for a path and method stays. `path` is a URLPattern pathname. */
  add(method: Method, path: string, item: T): void {
    const isPattern = /[*:{}+?()]/.test(path);
    const table = isPattern ? this.#dynamic : this.#fixed;
    let entry = table.get(path);
    if (entry === undefined) {
      entry = {
        pattern: isPattern ? new URLPattern({ pathname: path }) : null,
        items: new Map(),
      };
      table.set(path, entry);
    }
    if (!entry.items.has(method)) entry.items.set(method, item);
  }

  /** Finds an item. Fixed paths match with or without a trailing slash; HEAD falls back to GET. */
  match(method: Method, url: URL): Match<T> {
    const params: Record<string, string> = Object.create(null);
    const path = url.pathname;
    const otherForm = path === "/" ? path : path.endsWith("/") ? path.slice(0, -1) : `${path}/`;
    for (const form of [path, otherForm]) {
      const entry = this.#fixed.get(form);
      if (entry !== undefined) {
        return { item: itemFor(entry, method), pattern: form, params };
      }
    }
    for (const entry of this.#dynamic.values()) {
      const found = entry.pattern!.exec(url);
      if (found === null) continue;
      const item = itemFor(entry, method);
      if (item !== null) {
        for (const [name, value] of Object.entries(found.pathname.groups)) {
          params[name] = value === undefined ? "" : decode(value);
        }
      }
      return { item, pattern: entry.pattern!.pathname, params };
    }
    return { item: null, pattern: null, params };
  }

  /** Lists the methods that a matched pattern answers. */
  methodsOf(pattern: string): Method[] {
    return [
      ...(this.#fixed.get(pattern) ?? this.#dynamic.get(pattern))?.items
        .keys() ?? [],
    ];
  }
}

function itemFor<T>(entry: Entry<T>, method: Method): T | null {
  return entry.items.get(method) ??
    (method === "HEAD" ? entry.items.get("GET") : undefined) ?? null;
}

/** `decodeURI`, or the text itself if its percent signs are no valid encoding. */
function decode(text: string): string {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}

/** The methods a route may answer. */
export type Method =
  | "HEAD"
  | "GET"
  | "POST"
  | "PATCH"
  | "PUT"
  | "DELETE"
  | "OPTIONS";

/** Every method, in the order in which Allow lists them. */
export const METHODS: readonly Method[] = ["GET", "DELETE", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

interface Entry<T> {
  readonly pattern: URLPattern | null;
  readonly items: Map<Method, T>;
}

/** Where a request goes: `item` is null when the path is known and the method is not; `pattern` null when neither is. */
export interface Match<T> {
  readonly item: T | null;
  readonly pattern: string | null;
  readonly params: Record<string, string>;
}

/** Finds the item for a method and path. Fixed paths win over patterns; among patterns the first added wins. */
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

  /** A trailing slash makes no difference on fixed paths; HEAD falls back to GET. */
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

  /** The methods that a matched pattern answers. */
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

/** `decodeURI`, and the text itself where its percent signs are no valid encoding. */
function decode(text: string): string {
  try {
    return decodeURI(text);
  } catch {
    return text;
  }
}

/** Puts a path below a base. "*" stands for everything below; while mounting it adds nothing. */
export function joinPath(base: string, path: string, isMounting: boolean): string {
  const prefix = base === "/" ? "" : base.replace(/\*$/, "");
  if (path === "*") return isMounting ? prefix : `${prefix}/*`;
  return prefix !== "" && path === "/" ? prefix : prefix + path;
}

/**
 * The URLPattern pathname of a route file's path without extension: `blog/[slug]` is `/blog/:slug`, `[...rest]` is
 * `/:rest*`, `[[tab]]` is `{/:tab}?`, `index` is its folder, `(group)` is nothing unless `keepGroups`. Throws a
 * SyntaxError for two parameters side by side and for an optional one that is not a whole segment.
 */
export function pathToPattern(path: string, options: { keepGroups?: boolean } = {}): string {
  const parts = path.split("/");
  if (parts.at(-1) === "index") parts.pop();
  let pattern = "";
  let hasFixedPart = false;
  for (const part of parts) {
    if (part === "" || (!options.keepGroups && /^\(.*\)$/.test(part))) continue;
    const rest = /^\[\.\.\.(.+)\]$/.exec(part);
    const optional = /^\[\[([^[\]]+)\]\]$/.exec(part);
    if (rest !== null) {
      pattern += `/:${rest[1]}*`;
    } else if (optional !== null) {
      pattern += `{/:${optional[1]}}?`;
    } else if (part.includes("][")) {
      throw new SyntaxError(
        `Route "${path}": two parameters need something between them.`,
      );
    } else if (/\[\[|\]\]|^[^[]*\]|\[[^\]]*$/.test(part)) {
      throw new SyntaxError(
        `Route "${path}": brackets must pair, an optional parameter must be a whole path segment.`,
      );
    } else {
      pattern += `/${part.replace(/\[([^[\]]+)\]/g, ":$1")}`;
      hasFixedPart = true;
    }
  }
  // Nothing but optional segments must still match "/" itself.
  if (!hasFixedPart && pattern.startsWith("{/")) {
    pattern = pattern.replace("{/", "/{");
  }
  return pattern === "" ? "/" : pattern;
}

import { METHODS } from "./router.ts";
import type { Command, Middleware, Route, RouteComponent, RouteHandler } from "../types.ts";

/** The exports of a route file that the framework reads. */
interface RouteModule<State> {
  handler?: RouteHandler<unknown, State>;
  handlers?: RouteHandler<unknown, State>;
  default?: unknown;
}

/**
 * Turns route files into commands. `_app` and `_middleware` come before the routes they apply to, and fixed path parts
 * before dynamic ones.
 * @param modules by path from the root, for example "./routes/blog/[slug].tsx"
 */
export function routesToCommands<State>(modules: Record<string, Record<string, unknown>>): Command<State>[] {
  return Object.keys(modules)
    .map((file) => ({ file, parts: file.replace(/^\.\/routes\//, "").replace(/\.[^./]+$/, "").split("/") }))
    .sort((a, b) => compareParts(a.parts, b.parts))
    .map(({ file, parts }) => toCommand<State>(file, parts, modules[file]!));
}

function toCommand<State>(file: string, parts: string[], module: RouteModule<State>): Command<State> {
  const name = parts.at(-1)!;
  const folder = toPattern(parts.slice(0, -1));
  if (name === "_app") return { type: "app", component: componentOf<State>(file, module) };
  if (name === "_middleware") {
    const fns = [module.default ?? module.handler].flat();
    if (!fns.every((fn) => typeof fn === "function")) {
      throw new Error(`${file}: a middleware file exports a function or an array of functions as its default.`);
    }
    return { type: "middleware", folder, fns: fns as Middleware<State>[] };
  }
  if (name.startsWith("_")) {
    throw new Error(`${file}: of the special route files, the stand-in knows only _app and _middleware.`);
  }
  for (const unknown of ["config", "css"]) {
    if (unknown in module) throw new Error(`${file}: the stand-in does not know the export "${unknown}".`);
  }
  const route: Route<State> = { handler: module.handlers ?? module.handler };
  if (module.default !== undefined) route.component = componentOf<State>(file, module);
  if (!route.component && !isHandler(route.handler)) {
    throw new Error(`${file}: a route file exports a default component, a "handler" or both.`);
  }
  const path = (name === "index" ? folder : toPattern(parts)) || "/";
  return { type: "route", folder, path, route };
}

function componentOf<State>(file: string, { default: component }: RouteModule<State>): RouteComponent<State> {
  if (typeof component !== "function" || component.constructor.name === "AsyncFunction") {
    throw new Error(`${file}: the default export is a component that is not async.`);
  }
  return component as RouteComponent<State>;
}

function isHandler(handler: unknown): boolean {
  return typeof handler === "function" ||
    typeof handler === "object" && handler !== null &&
      Object.keys(handler).every((name) => METHODS.some((m) => m === name));
}

/** Returns the URLPattern pathname of a file's path: "blog", "[slug]" is "/blog/:slug". */
function toPattern(parts: readonly string[]): string {
  return parts.map((part) => {
    if (/[()]|\[\[|\]\]|\]\[|\.\.\./.test(part)) {
      throw new SyntaxError(`Route "${parts.join("/")}": the stand-in knows only "[name]" among the dynamic parts.`);
    }
    return `/${part.replace(/\[([^[\]]+)\]/g, ":$1")}`;
  }).join("");
}

/** Lower comes first. */
function rank(part: string): number {
  return part === "_app" ? 0 : part === "_middleware" ? 1 : part === "index" ? 2 : part.includes("[") ? 4 : 3;
}

function compareParts(a: string[], b: string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    if (a[i] !== b[i]) return rank(a[i]!) - rank(b[i]!) || (a[i]! < b[i]! ? -1 : 1);
  }
  return a.length - b.length;
}

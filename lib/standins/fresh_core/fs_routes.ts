import type { RouteComponent } from "./component.ts";
import type { MaybeLazyMiddleware } from "./compose.ts";
import { isHandlerByMethod, type RouteHandler } from "./handlers.ts";
import { pathToPattern } from "./router.ts";
import type { Command } from "./tree.ts";
import type { RouteConfig } from "./types.ts";

/** What a route file may export. */
interface RouteModule<State> {
  config?: RouteConfig;
  handler?: RouteHandler<unknown, State>;
  handlers?: RouteHandler<unknown, State>;
  default?: RouteComponent<State>;
  css?: string[];
}

/**
 * Turns route files into commands. `_app`, `_layout`, `_middleware`, `_error`, `_500` and `_404` come before what they
 * apply to, fixed path parts before dynamic ones.
 * @param modules by path from the root, for example "./routes/blog/[slug].tsx"
 * @param routeDir the part of those paths that is not in the URL, for example "./routes"
 */
export function routesToCommands<State>(
  modules: Record<string, Record<string, unknown>>,
  routeDir: string,
): Command<State>[] {
  return Object.keys(modules)
    .map((file) => ({
      file,
      id: file.slice(routeDir.length + 1).replace(/\.[^./]+$/, ""),
    }))
    .sort((a, b) => compareIds(a.id, b.id))
    .flatMap(({ file, id }) => toCommand<State>(file, id, modules[file]!));
}

function toCommand<State>(file: string, id: string, exported: Record<string, unknown>): Command<State>[] {
  const name = id.slice(id.lastIndexOf("/") + 1);
  const folder = pathToPattern(id.slice(0, Math.max(0, id.length - name.length - 1)), { keepGroups: true });
  const module = checkModule<State>(file, exported, name === "_middleware");
  const handler = module.handlers ?? module.handler;

  switch (name) {
    case "_app":
      return module.default === undefined ? [] : [{ type: "app", component: module.default }];
    case "_layout":
      if (module.default === undefined) return [];
      return [{
        type: "layout",
        pattern: folder,
        own: true,
        component: module.default,
        config: module.config,
      }];
    case "_middleware": {
      const given: unknown = handler ?? module.default;
      if (isHandlerByMethod(given)) {
        throw new Error(
          `${file}: a middleware is a function, not an object by method.`,
        );
      }
      const fns = (Array.isArray(given) ? given : [given]) as MaybeLazyMiddleware<
        State
      >[];
      return [{ type: "middleware", pattern: folder, own: true, fns }];
    }
    case "_404":
      return [{
        type: "notFound",
        route: { component: module.default, config: module.config, handler },
      }];
    case "_error":
    case "_500":
      return [{
        type: "error",
        pattern: folder,
        own: true,
        route: { component: module.default, config: module.config, handler },
      }];
  }

  const pattern = pathToPattern(id, { keepGroups: true });
  const config = {
    ...module.config,
    routeOverride: module.config?.routeOverride ?? pathToPattern(id),
  };
  return [{
    type: "route",
    // An index file belongs to its folder, every other file to the folder it lies in.
    pattern: name === "index" && !pattern.endsWith("/") ? `${pattern}/` : pattern,
    own: false,
    route: { component: module.default, config, handler, css: module.css },
    config,
  }];
}

function checkModule<State>(file: string, module: Record<string, unknown>, isMiddleware: boolean): RouteModule<State> {
  const handler = module.handlers ?? module.handler;
  const isUsable = typeof module.default === "function" ||
    (isMiddleware && Array.isArray(module.default)) ||
    typeof handler === "function" ||
    (typeof handler === "object" && handler !== null) ||
    typeof module.config === "object";
  if (!isUsable) {
    throw new Error(
      isMiddleware
        ? `${file} exports no middleware: a default export that is a function or an array of functions is needed.`
        : `${file} exports no route: a default component, "handler", "handlers" or "config" is needed.`,
    );
  }
  if (typeof handler === "function" && handler.length > 1) {
    throw new Error(`${file}: a handler takes one argument, the context.`);
  }
  return module as RouteModule<State>;
}

/** Lower comes first. Among the special files, those that wrap come before those that are wrapped. */
function rank(part: string, isLast: boolean): number {
  if (part.startsWith("_")) {
    return part === "_app" ? 0 : part === "_middleware" ? 1 : part === "_layout" ? 2 : 3;
  }
  if (isLast && part === "index") return 4;
  if (/^\(.*\)$/.test(part)) return 6;
  if (part.startsWith("[...")) return 9;
  if (part.startsWith("[[")) return 8;
  if (part.includes("[")) return 7;
  return 5;
}

function compareIds(a: string, b: string): number {
  const aParts = a.split("/");
  const bParts = b.split("/");
  for (let i = 0; i < Math.min(aParts.length, bParts.length); i++) {
    const aPart = aParts[i]!;
    const bPart = bParts[i]!;
    if (aPart === bPart) continue;
    const byRank = rank(aPart, i === aParts.length - 1) -
      rank(bPart, i === bParts.length - 1);
    return byRank !== 0 ? byRank : aPart < bPart ? -1 : 1;
  }
  // "blog" before "blog/[slug]" would be fine either way; the special files of a folder come before its routes.
  return aParts.length - bParts.length;
}

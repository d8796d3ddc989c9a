import { componentToVNode, pageProps, type RouteComponent } from "./component.ts";
import { compose, type MaybeLazyMiddleware, type Middleware } from "./compose.ts";
import { type Context, requestState } from "./context.ts";
import { HttpError } from "./error.ts";
import { type HandlerFn, isHandlerByMethod, page } from "./handlers.ts";
import { joinPath, type Method, METHODS, Router } from "./router.ts";
import { isLazy, type LayoutConfig, type MaybeLazy, type Route, type RouteConfig } from "./types.ts";

/** One call on the app, kept until the handler is made. `own`: the pattern's last part is a node of its own. */
export type Command<State> =
  | {
    type: "middleware";
    pattern: string;
    own: boolean;
    fns: MaybeLazyMiddleware<State>[];
  }
  | {
    type: "layout";
    pattern: string;
    own: boolean;
    component: RouteComponent<State>;
    config?: LayoutConfig;
  }
  | { type: "error"; pattern: string; own: boolean; route: Route<State> }
  | {
    type: "route";
    pattern: string;
    own: boolean;
    route: MaybeLazy<Route<State>>;
    config?: RouteConfig;
  }
  | {
    type: "handler";
    pattern: string;
    own: boolean;
    method: Method | "ALL";
    fns: MaybeLazyMiddleware<State>[];
  }
  | {
    type: "fsRoutes";
    pattern: string;
    own: boolean;
    commands: () => Command<State>[];
  }
  | { type: "app"; component: RouteComponent<State> }
  | { type: "notFound"; route: Route<State> };

/** A folder of the path tree, with what applies to everything in it. */
interface Node<State> {
  readonly parent: Node<State> | null;
  readonly children: Map<string, Node<State>>;
  readonly middlewares: MaybeLazyMiddleware<State>[];
  app: RouteComponent<State> | null;
  layout: { component: RouteComponent<State>; config: LayoutConfig } | null;
  errorRoute: Route<State> | null;
  notFound: Route<State> | null;
}

function newNode<State>(parent: Node<State> | null): Node<State> {
  return {
    parent,
    children: new Map(),
    middlewares: [],
    app: null,
    layout: null,
    errorRoute: null,
    notFound: null,
  };
}

/** The node of a pattern. Optional segments count as absent, so what is set above them applies to both forms. */
function nodeAt<State>(root: Node<State>, pattern: string, own: boolean): Node<State> {
  const parts = pattern.replace(/\{[^}]*\}\??/g, "").split("/").slice(pattern.startsWith("/") ? 1 : 0);
  if (!own) parts.pop();
  let node = root;
  for (const part of parts) {
    if (part === "" || (part === "*" && node === root)) continue;
    let child = node.children.get(part);
    if (child === undefined) node.children.set(part, child = newNode(node));
    node = child;
  }
  return node;
}

/** What a request below `node` passes, from the root down. What is added to the tree later does not apply. */
function stepsTo<State>(node: Node<State>): MaybeLazyMiddleware<State>[] {
  const steps = node.parent === null ? [] : stepsTo(node.parent);
  let root = node;
  while (root.parent !== null) root = root.parent;
  const { app, layout, errorRoute } = node;

  steps.push(async (ctx) => {
    const render = requestState(ctx);
    const before = { app: render.app, layouts: render.layouts };
    if (app !== null) render.app = app;
    if (layout !== null) {
      if (layout.config.skipAppWrapper) render.app = null;
      render.layouts = layout.config.skipInheritedLayouts ? [layout.component] : [...render.layouts, layout.component];
    }
    try {
      return await ctx.next();
    } catch (error) {
      const status = error instanceof HttpError ? error.status : 500;
      if (status === 404 && root.notFound !== null) {
        return warnIfOk(await answerRoute(ctx, root.notFound));
      }
      if (errorRoute !== null) {
        return await answerRoute(ctx, errorRoute, status);
      }
      throw error;
    } finally {
      Object.assign(render, before);
    }
  });
  return [...steps, ...node.middlewares];
}

/** As upstream, a not-found page has the status that its handler gives it, and 200 if it gives none. */
function warnIfOk(response: Response): Response {
  if (response.status === 200) {
    // deno-lint-ignore no-console -- a mistake of the page's author that nobody would see
    console.warn("The not-found page answers with 200. Give it a handler: () => page(undefined, { status: 404 }).");
  }
  return response;
}

/** Runs the route's handler and, for data, its component. `status` is the answer's when the handler names none. */
async function answerRoute<State>(ctx: Context<State>, route: Route<State>, status = 200): Promise<Response> {
  const render = requestState(ctx);
  if (route.config?.skipAppWrapper) render.app = null;
  if (route.config?.skipInheritedLayouts) render.layouts = [];

  const handler = handlerFor(route, ctx.req.method.toUpperCase() as Method);
  const result = handler === null ? await ctx.next() : await handler(ctx);
  if (result instanceof Response) return result;

  const headers = new Headers(result.headers);
  const init = { headers, status: result.status ?? status };
  if (route.component === undefined) return ctx.render(null, init);
  const vnode = await componentToVNode(route.component, pageProps(ctx, result.data, () => null));
  return vnode instanceof Response ? vnode : ctx.render(vnode, init);
}

function handlerFor<State>(route: Route<State>, method: Method): HandlerFn<unknown, State> | null {
  const handlers = route.handler ?? {};
  if (!isHandlerByMethod<unknown, State>(handlers)) return handlers;
  return handlers[method] ?? (method === "HEAD" ? handlers.GET : undefined) ??
    null;
}

/** A route with a component answers GET with it; one with neither component nor handler is not there. */
function withDefaults<State>(route: Route<State>): Route<State> {
  const { handler, component } = route;
  if (handler === undefined) {
    return {
      ...route,
      handler: component === undefined ? notFound : () => page({}),
    };
  }
  if (
    component !== undefined && isHandlerByMethod<unknown, State>(handler) &&
    handler.GET === undefined
  ) {
    return { ...route, handler: { ...handler, GET: () => page({}) } };
  }
  return route;
}

function notFound(): never {
  throw new HttpError(404);
}

/** Fills `router` from the commands, in order, and returns what requests without a route pass. */
export function applyCommands<State>(
  router: Router<Middleware<State>>,
  commands: readonly Command<State>[],
  basePath: string,
  onError: (error: unknown) => void,
): Middleware<State> {
  const root = newNode<State>(null);

  function add(methods: readonly Method[], path: string, steps: MaybeLazyMiddleware<State>[]): void {
    const middleware = compose(steps, onError);
    for (const method of methods) {
      router.add(method, path === "" ? "*" : path, middleware);
    }
  }

  function applyAll(list: readonly Command<State>[], base: string): void {
    for (const command of list) {
      switch (command.type) {
        case "middleware":
          nodeAt(root, command.pattern, command.own).middlewares.push(
            ...command.fns,
          );
          break;
        case "layout":
          nodeAt(root, command.pattern, command.own).layout = {
            component: command.component,
            config: command.config ?? {},
          };
          break;
        case "error":
          nodeAt(root, command.pattern, command.own).errorRoute = withErrorDefaults(command.route);
          break;
        case "app":
          root.app = command.component;
          break;
        case "notFound":
          root.notFound = withErrorDefaults(command.route);
          break;
        case "handler":
          add(
            command.method === "ALL" ? METHODS : [command.method],
            joinPath(base, command.pattern, false),
            [
              ...stepsTo(nodeAt(root, command.pattern, command.own)),
              ...command.fns,
            ],
          );
          break;
        case "route":
          applyRoute(command, base);
          break;
        case "fsRoutes":
          applyAll(command.commands(), joinPath(base, command.pattern, true));
          break;
      }
    }
  }

  function applyRoute(command: Command<State> & { type: "route" }, base: string): void {
    const steps = stepsTo(nodeAt(root, command.pattern, command.own));
    const given = command.route;
    if (isLazy(given)) {
      let loaded: Route<State> | undefined;
      steps.push(async (ctx) => await answerRoute(ctx, loaded ??= withDefaults(await given())));
      const methods = Array.isArray(command.config?.methods) ? command.config.methods : METHODS;
      add(methods, joinPath(base, command.config?.routeOverride ?? command.pattern, false), steps);
      return;
    }
    const route = withDefaults(given);
    steps.push((ctx) => answerRoute(ctx, route));
    const methods = isHandlerByMethod(route.handler) ? Object.keys(route.handler) as Method[] : METHODS;
    add(methods, joinPath(base, route.config?.routeOverride ?? command.pattern, false), steps);
  }

  applyAll(commands, basePath);
  return compose(stepsTo(root), onError);
}

/** An error page is shown for every method. */
function withErrorDefaults<State>(route: Route<State>): Route<State> {
  return route.handler === undefined && route.component !== undefined
    ? { ...route, handler: () => page({}) }
    : withDefaults(route);
}

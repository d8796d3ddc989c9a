import { HttpError } from "../error.ts";
import { page } from "../handlers.ts";
import { METHODS, Router } from "./router.ts";
import type { Command, Context, HandlerByMethod, Method, Middleware, Route, RouteComponent } from "../types.ts";
import { h } from "preact";

/** The routes of an app, ready to answer. */
export interface Routes<State> {
  router: Router<Middleware<State>>;
  /** Answers requests that no route matches: the root's middlewares, and then `ctx.next`. */
  unrouted: Middleware<State>;
  appWrapper: RouteComponent<State> | null;
}

/** Applies the commands in their order. */
export function routesOf<State>(commands: readonly Command<State>[]): Routes<State> {
  const router = new Router<Middleware<State>>();
  const middlewares: { folder: string; fn: Middleware<State> }[] = [];
  let appWrapper: RouteComponent<State> | null = null;

  /** The middlewares added so far for a folder and those above it, from the root down. */
  const stepsTo = (folder: string) =>
    middlewares.filter((added) => `${folder}/`.startsWith(`${added.folder}/`))
      .sort((a, b) => a.folder.length - b.folder.length).map(({ fn }) => fn);

  for (const command of commands) {
    switch (command.type) {
      case "middleware":
        middlewares.push(...command.fns.map((fn) => ({ folder: command.folder, fn })));
        break;
      case "app":
        appWrapper = command.component;
        break;
      case "handler":
        add(command.methods, command, command.fns);
        break;
      case "route": {
        const route = withDefaults(command.route);
        const methods = typeof route.handler === "function" ? METHODS : Object.keys(route.handler) as Method[];
        add(methods, command, [(ctx) => answerRoute(ctx, route)]);
      }
    }
  }
  return { router, unrouted: compose(stepsTo("")), appWrapper };

  function add(
    methods: readonly Method[],
    { folder, path }: { folder: string; path: string },
    fns: readonly Middleware<State>[],
  ): void {
    const middleware = compose([...stepsTo(folder), ...fns]);
    for (const method of methods) router.add(method, path, middleware);
  }
}

/**
 * Makes one middleware of many: each reaches the next one by `ctx.next()`, and the last one reaches the `ctx.next` that
 * the chain was called with.
 */
function compose<State>(steps: readonly Middleware<State>[]): Middleware<State> {
  return (ctx) => {
    const last = ctx.next;
    async function run(index: number): Promise<Response> {
      const step = steps[index];
      if (step === undefined) return await last();
      ctx.next = () => run(index + 1);
      return await step(ctx);
    }
    return run(0);
  };
}

type FullRoute<State> = Route<State> & { handler: NonNullable<Route<State>["handler"]> };

/** Adds the GET handler of a page without one. A route without component and handlers answers 404. */
function withDefaults<State>(route: Route<State>): FullRoute<State> {
  const { handler, component } = route;
  if (typeof handler === "function") return { ...route, handler };
  if (component !== undefined) return { ...route, handler: { GET: () => page({}), ...handler } };
  return { ...route, handler: handler ?? notFound };
}

function notFound(): never {
  throw new HttpError(404);
}

/** Runs the route's handler and, if it returns data, renders the component. */
async function answerRoute<State>(ctx: Context<State>, { handler, component }: FullRoute<State>): Promise<Response> {
  const answer = typeof handler === "function" ? handler : handlerFor(handler, ctx.req.method.toUpperCase() as Method);
  const result = answer === undefined ? await ctx.next() : await answer(ctx);
  if (result instanceof Response) return result;

  const init = { headers: new Headers(result.headers), status: result.status ?? 200 };
  if (component === undefined) return ctx.render(null, init);
  const { url, req, params, info, state, route } = ctx;
  const props = { url, req, params, info, state, route, data: result.data, Component: () => null };
  return ctx.render(h(component, props), init);
}

function handlerFor<State>(handlers: HandlerByMethod<unknown, State>, method: Method) {
  return handlers[method] ?? (method === "HEAD" ? handlers.GET : undefined);
}

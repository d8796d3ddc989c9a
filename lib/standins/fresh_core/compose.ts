import { type Context, requestState } from "./context.ts";

/** Answers a request, or calls `ctx.next()` and may change what comes back. */
export type Middleware<State> = (ctx: Context<State>) => Response | Promise<Response>;
/** Older name of {@linkcode Middleware}. */
export type MiddlewareFn<State> = Middleware<State>;
/** A middleware, or a function that loads one on the first request. */
export type MaybeLazyMiddleware<State> = (ctx: Context<State>) => Response | Promise<Response | Middleware<State>>;

/**
 * Makes one middleware of many: each reaches the following one by `ctx.next()`, the last one the `ctx.next` that the
 * whole chain was called with. The first sight of an error sets `ctx.error` and calls `onError`.
 */
export function compose<State>(
  middlewares: readonly MaybeLazyMiddleware<State>[],
  onError: (error: unknown) => void = () => {},
): Middleware<State> {
  const steps = [...middlewares];
  return (ctx) => {
    const last = ctx.next;
    async function run(index: number): Promise<Response> {
      const step = steps[index];
      if (step === undefined) return await last();
      ctx.next = () => run(index + 1);
      const render = requestState(ctx);
      const { app, layouts } = render;
      try {
        const result = await step(ctx);
        if (typeof result !== "function") return result;
        steps[index] = result;
        return await result(ctx);
      } catch (error) {
        if (ctx.error !== error) {
          ctx.error = error;
          onError(error);
        }
        throw error;
      } finally {
        render.app = app;
        render.layouts = layouts;
      }
    }
    return run(0);
  };
}

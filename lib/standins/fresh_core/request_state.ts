import type { BuildCache, Context, RouteComponent } from "./types.ts";

/** The framework's own notes about one request. */
export interface RequestState<State> {
  readonly appWrapper: RouteComponent<State> | null;
  readonly build: BuildCache<State>;
}

const requests = new WeakMap<object, RequestState<never>>();

export function setRequestState<State>(ctx: Context<State>, state: RequestState<State>): void {
  requests.set(ctx, state as RequestState<never>);
}

export function requestState<State>(ctx: Context<State>): RequestState<State> {
  return requests.get(ctx) as RequestState<State>;
}

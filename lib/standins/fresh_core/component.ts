import { type AnyComponent, type FunctionComponent, h, type RenderableProps, type VNode } from "preact";
import type { Context } from "./context.ts";

/** What pages, layouts and the app wrapper get as props. */
export type PageProps<Data = unknown, T = unknown> =
  & Pick<
    Context<T>,
    | "config"
    | "url"
    | "req"
    | "params"
    | "info"
    | "state"
    | "isPartial"
    | "Component"
    | "error"
    | "route"
  >
  & { data: Data };

/** A component that may await before it renders, and may answer with a Response instead. Server only. */
export type AsyncAnyComponent<P> = {
  // deno-lint-ignore no-explicit-any -- preact's own component types say the same
  (props: RenderableProps<P>, context?: any): Promise<VNode<any> | Response | null>;
  displayName?: string;
  defaultProps?: Partial<P> | undefined;
};

/** A page, layout or app wrapper. */
export type RouteComponent<State> =
  | AsyncAnyComponent<PageProps<unknown, State>>
  | AnyComponent<PageProps<unknown, State>>;

function isAsync<P>(component: unknown): component is AsyncAnyComponent<P> {
  return typeof component === "function" &&
    component.constructor.name === "AsyncFunction";
}

/** The props of `component` in this request. `child` is what its `<Component />` shows. */
export function pageProps<State>(
  ctx: Context<State>,
  data: unknown,
  child: FunctionComponent,
): PageProps<unknown, State> {
  const { config, url, req, params, info, state, isPartial, error, route } = ctx;
  return {
    config,
    url,
    req,
    params,
    info,
    state,
    isPartial,
    error,
    route,
    data,
    Component: child,
  };
}

/** Makes the element of a page, layout or app wrapper; an async one is awaited and may answer by itself. */
export async function componentToVNode<State>(
  component: RouteComponent<State>,
  props: PageProps<unknown, State>,
): Promise<VNode | Response | null> {
  if (isAsync<PageProps<unknown, State>>(component)) {
    return await component(props);
  }
  return h(component as AnyComponent<PageProps<unknown, State>>, props) as VNode;
}

import {
  type ComponentChildren,
  type ComponentType,
  Fragment,
  h,
  type Options,
  options,
  toChildArray,
  type VNode,
} from "preact";
import { headSink } from "./head.ts";
import type { BuildCache, Island } from "../types.ts";

/** Preact's hooks by the short names that its builds keep stable. */
interface RenderHooks extends Options {
  /** Before an element or component is rendered. */
  __b?: (vnode: VNode) => void;
  /** After a component and everything inside it was rendered. */
  diffed?: (vnode: VNode) => void;
}

// deno-lint-ignore no-explicit-any -- elements of any props pass here
type AnyVNode = VNode<any>;

/** Elements that `<Head>` may replace in the document's head. */
const HEAD_TYPES = new Set(["title", "meta", "link", "script", "style", "base", "noscript", "template"]);

/** Everything that one page gathers while it renders. Rendering is synchronous, so there is one at a time. */
export class RenderState {
  readonly nonce = crypto.randomUUID().replaceAll("-", "");
  /** Comments that stand for content that is known only at the end. Nobody can guess them. */
  readonly headMark = `head-${this.nonce}`;
  readonly bodyMark = `body-${this.nonce}`;
  readonly islands = new Set<Island>();
  readonly islandProps: Record<string, unknown>[] = [];
  readonly headElements = new Map<string, AnyVNode>();
  hasHtml = false;
  hasHead = false;
  hasBody = false;
  /** How many islands surround the element that is being rendered. */
  islandDepth = 0;

  constructor(readonly build: BuildCache) {}
}

let current: RenderState | null = null;

/** Runs `render` with the hooks below reporting to `state`. */
export function withRenderState<T>(state: RenderState, render: () => T): T {
  current = state;
  headSink.collect = (children) => collectHead(state, children);
  try {
    return render();
  } finally {
    current = null;
    headSink.collect = null;
  }
}

/** Elements that `<Head>` collected. They render unchanged. */
const headVNodes = new WeakSet<VNode>();
/** The components of islands, between their markers. */
const islandBodies = new WeakSet<VNode>();

const hooks: RenderHooks = options;
const previousBefore = hooks.__b;
const previousAfter = hooks.diffed;

hooks.__b = (vnode) => {
  if (current !== null) {
    if (islandBodies.has(vnode)) current.islandDepth++;
    else if (typeof vnode.type === "string") prepareElement(current, vnode as AnyVNode);
    else if (current.islandDepth === 0) prepareComponent(current, vnode as AnyVNode);
  }
  previousBefore?.(vnode);
};

hooks.diffed = (vnode) => {
  if (current !== null && islandBodies.has(vnode)) current.islandDepth--;
  previousAfter?.(vnode);
};

function prepareElement(state: RenderState, vnode: AnyVNode): void {
  if (headVNodes.has(vnode)) return;
  const props = vnode.props;
  switch (vnode.type) {
    case "html":
      state.hasHtml = true;
      break;
    case "head":
      state.hasHead = true;
      props.children = [props.children, comment(state.headMark)];
      break;
    case "body":
      state.hasBody = true;
      props.children = [props.children, comment(state.bodyMark)];
      break;
    default:
      addNonce(state, vnode);
  }
  if (!HEAD_TYPES.has(vnode.type as string)) return;
  const key = headKey(vnode);
  const replacement = state.headElements.get(key);
  if (replacement === undefined) return;
  state.headElements.delete(key);
  (vnode as { type: unknown }).type = () => replacement;
}

function addNonce(state: RenderState, vnode: AnyVNode): void {
  if (vnode.type === "script" || vnode.type === "style") vnode.props.nonce ??= state.nonce;
}

/** Puts an island between markers. One that is rendered by another island is part of that island. */
function prepareComponent(state: RenderState, vnode: AnyVNode): void {
  const component = vnode.type as ComponentType;
  const island = state.build.islands.get(component);
  if (island === undefined) return;
  state.islands.add(island);
  (vnode as { type: unknown }).type = (props: Record<string, unknown>) => {
    const index = state.islandProps.push(props) - 1;
    const body = h(component, props) as VNode;
    islandBodies.add(body);
    return h(Fragment, null, comment(`frsh:island:${island.name}:${index}`), body, comment("/frsh"));
  };
}

/** An HTML comment; `UNSTABLE_comment` is preact-render-to-string's name for it. */
function comment(text: string): VNode {
  return h(Fragment, { UNSTABLE_comment: text } as Record<string, unknown>) as VNode;
}

function collectHead(state: RenderState, children: ComponentChildren): void {
  for (const child of toChildArray(children)) {
    if (typeof child !== "object" || typeof child.type !== "string") continue;
    addNonce(state, child as AnyVNode);
    headVNodes.add(child);
    state.headElements.set(headKey(child as AnyVNode), child);
  }
}

/** Two head elements with the same key say the same thing twice. */
function headKey({ type, key, props }: AnyVNode): string {
  if (key != null) return `key ${key}`;
  if (type === "title") return "title";
  const told = Object.keys(props).sort().filter((name) =>
    name !== "children" && name !== "nonce" && name !== "ref" &&
    !(type === "meta" && name === "content") &&
    !(type === "link" && name === "href")
  );
  const value = (name: string) => name === "dangerouslySetInnerHTML" ? props[name]?.__html : props[name];
  return [type, ...told.map((name) => `${name}=${value(name)}`)].join("\n");
}

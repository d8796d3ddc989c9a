import {
  type ComponentChildren,
  type ComponentType,
  Fragment,
  h,
  isValidElement,
  type Options,
  options,
  toChildArray,
  type VNode,
} from "preact";
import { hashImageProps } from "./asset.ts";
import type { BuildCache, Island } from "./build_cache.ts";
import { headSink } from "./head.ts";
import type { SlotRef } from "./serialize.ts";

/** Preact's hooks by the short names that its builds keep stable. */
interface RenderHooks extends Options {
  /** Before an element or component is rendered. */
  __b?: (vnode: VNode) => void;
  /** After a component and all inside it were rendered. */
  diffed?: (vnode: VNode) => void;
}

// deno-lint-ignore no-explicit-any -- elements of any props pass here
type AnyVNode = VNode<any>;

/** Elements that `<Head>` may replace in the document's head. */
const HEAD_TYPES = new Set(["title", "meta", "link", "script", "style", "base", "noscript", "template"]);

/** What one page has gathered while it was rendered. Rendering is synchronous, so there is one at a time. */
export class RenderState {
  readonly nonce = crypto.randomUUID().replaceAll("-", "");
  /** Comments that stand for what is known only at the end. Nobody can guess them. */
  readonly headMark = `head-${this.nonce}`;
  readonly bodyMark = `body-${this.nonce}`;
  readonly islands = new Set<Island>();
  readonly islandProps: Record<string, unknown>[] = [];
  /** Pieces handed to islands, by slot id; null once the island has shown it. */
  readonly slots: (ComponentChildren | null)[] = [];
  readonly headElements = new Map<string, AnyVNode>();
  hasHtml = false;
  hasHead = false;
  hasBody = false;
  /** Whether what is rendered now belongs to an island (true) or to the page (false). */
  readonly inside: boolean[] = [false];

  constructor(readonly build: BuildCache, readonly url: URL) {}
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

/** Components that were put in place by the hooks and are to be rendered as they are. */
const settled = new WeakSet<VNode>();
const islandBodies = new WeakSet<VNode>();

const hooks: RenderHooks = options;
const previousBefore = hooks.__b;
const previousAfter = hooks.diffed;

hooks.__b = (vnode) => {
  if (current !== null && !settled.has(vnode)) {
    if (typeof vnode.type === "string") {
      prepareElement(current, vnode as AnyVNode);
    } else if (vnode.type !== Fragment) {
      prepareComponent(current, vnode as AnyVNode);
    }
  }
  if (current !== null && islandBodies.has(vnode)) current.inside.push(true);
  if (current !== null && vnode.type === Slot) current.inside.push(false);
  previousBefore?.(vnode);
};

hooks.diffed = (vnode) => {
  if (current !== null && (islandBodies.has(vnode) || vnode.type === Slot)) {
    current.inside.pop();
  }
  previousAfter?.(vnode);
};

function prepareElement(state: RenderState, vnode: AnyVNode): void {
  const props = vnode.props;
  const type = vnode.type as string;
  hashImageProps(type, props);
  switch (type) {
    case "a":
      markActiveLink(props, state.url);
      break;
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
    case "script":
    case "style":
      props.nonce ??= state.nonce;
  }
  if (HEAD_TYPES.has(type)) {
    const key = headKey(vnode);
    const replacement = state.headElements.get(key);
    if (replacement !== undefined) {
      state.headElements.delete(key);
      (vnode as { type: unknown }).type = () => replacement;
    }
  }
}

function addNonce(state: RenderState, vnode: AnyVNode): void {
  if (vnode.type === "script" || vnode.type === "style") {
    vnode.props.nonce ??= state.nonce;
  }
}

/** An island that the page shows is put between markers; one that another island shows is part of that island. */
function prepareComponent(state: RenderState, vnode: AnyVNode): void {
  const island = state.build.islands.get(vnode.type as ComponentType);
  if (island === undefined || state.inside.at(-1)) return;
  state.islands.add(island);
  const component = vnode.type as ComponentType;
  const key = vnode.key == null ? "" : encodeURIComponent(String(vnode.key)).replaceAll("-", "%2D");
  (vnode as { type: unknown }).type = (given: Record<string, unknown>) => {
    const shown: Record<string, unknown> = {};
    const sent: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(given)) {
      if (isSlotContent(name, value)) {
        const id = state.slots.push(value as ComponentChildren) - 1;
        shown[name] = h(Slot, { id }, value as ComponentChildren);
        sent[name] = new SlotMark(id);
      } else {
        shown[name] = sent[name] = value;
      }
    }
    const index = state.islandProps.push(sent) - 1;
    const body = h(component, shown) as VNode;
    settled.add(body);
    islandBodies.add(body);
    return between(`island:${island.name}:${index}:${key}`, body);
  };
}

/** JSX is shown by the server and found again by the browser; plain values and signals are sent as they are. */
function isSlotContent(name: string, value: unknown): boolean {
  if (typeof value !== "object" || value === null || isSignal(value)) {
    return false;
  }
  return isValidElement(value) || (name === "children" && Array.isArray(value));
}

function isSignal(value: object): boolean {
  return "peek" in value && typeof value.peek === "function";
}

class SlotMark implements SlotRef {
  constructor(readonly slot: number) {}
}

/** For the serializer: tells slots from other values. */
export function slotOf(value: object): SlotRef | null {
  return value instanceof SlotMark ? value : null;
}

function Slot({ id, children }: { id: number; children?: ComponentChildren }): VNode {
  if (current !== null) current.slots[id] = null;
  return between(`slot:${id}`, children);
}

function between(marker: string, content: ComponentChildren): VNode {
  return h(
    Fragment,
    null,
    comment(`frsh:${marker}`),
    content,
    comment("/frsh"),
  );
}

/** An HTML comment; `UNSTABLE_comment` is preact-render-to-string's name for it. */
export function comment(text: string): VNode {
  return h(Fragment, { UNSTABLE_comment: text } as Record<string, unknown>) as VNode;
}

function collectHead(state: RenderState, children: ComponentChildren): void {
  for (const child of toChildArray(children)) {
    if (typeof child !== "object") continue;
    const isElement = typeof child.type === "string";
    if (isElement) addNonce(state, child as AnyVNode);
    if (child.key != null && isElement) {
      (child.props as Record<string, unknown>)["data-key"] = child.key;
    }
    settled.add(child);
    state.headElements.set(
      isElement ? headKey(child as AnyVNode) : `component ${state.headElements.size}`,
      child,
    );
  }
}

/** Two head elements with one key are the same thing, said twice. */
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

/** Marks links to this page (`aria-current="page"`) and to the pages above it. */
function markActiveLink(props: Record<string, unknown>, url: URL): void {
  if (
    typeof props.href !== "string" || !props.href.startsWith("/") ||
    props["aria-current"] !== undefined
  ) return;
  const target = new URL(props.href, "http://localhost");
  const trim = (path: string) => path === "/" ? path : path.replace(/\/$/, "");
  const here = trim(url.pathname);
  const there = trim(target.pathname);
  if (
    here === there && (target.search === "" || target.search === url.search)
  ) {
    props["data-current"] = "true";
    props["aria-current"] = "page";
  } else if (there === "/" || here === there || here.startsWith(`${there}/`)) {
    props["data-ancestor"] = "true";
    props["aria-current"] = "true";
  }
}

import { type ComponentChildren, toChildArray, type VNode } from "preact";
import { useEffect } from "preact/hooks";

/** Where the server's current render collects `<Head>` children; null in the browser. */
export const headSink: {
  collect: ((children: ComponentChildren) => void) | null;
} = { collect: null };

/** Props of {@linkcode Head}. */
export interface HeadProps {
  children?: ComponentChildren;
}

/**
 * Puts its children into the document's `<head>`. On the server they are part of the page; in an island they follow
 * the island's state. A `<title>` replaces the title; an element with the same key, id, meta name or link rel is updated.
 */
export function Head(props: HeadProps): ComponentChildren {
  if (headSink.collect !== null) {
    headSink.collect(props.children);
    return null;
  }
  // deno-lint-ignore react-rules-of-hooks -- a render happens either always on the server or always in the browser
  useEffect(() => {
    for (const child of toChildArray(props.children)) {
      if (typeof child === "object" && typeof child.type === "string") {
        applyToDocument(child as VNode<ElementProps>);
      }
    }
  });
  return null;
}

type ElementProps = Record<string, unknown> & { children?: ComponentChildren };

function applyToDocument(vnode: VNode<ElementProps>): void {
  const { type, props } = vnode;
  const text = toChildArray(props.children).join("");
  if (type === "title") {
    document.title = text;
    return;
  }
  const element = findInHead(vnode) ??
    document.head.appendChild(document.createElement(String(type)));
  if (element.textContent !== text) element.textContent = text;
  for (const [name, value] of Object.entries(props)) {
    if (name === "children") continue;
    if (value === null || value === undefined || value === false) {
      element.removeAttribute(name);
    } else element.setAttribute(name, value === true ? "" : String(value));
  }
  if (vnode.key != null) element.setAttribute("data-key", String(vnode.key));
}

function findInHead({ type, key, props }: VNode<ElementProps>): Element | null {
  const by = (attribute: string, value: unknown) =>
    document.head.querySelector(
      `${type}[${attribute}="${CSS.escape(String(value))}"]`,
    );
  return (key != null && by("data-key", key)) ||
    (props.id != null && by("id", props.id)) ||
    (type === "meta" && props.name != null && by("name", props.name)) ||
    (type === "link" && props.rel != null && by("rel", props.rel)) ||
    null;
}

import {
  type ComponentChildren,
  type ComponentType,
  Fragment,
  h,
  type Options,
  options,
  render,
  type VNode,
} from "preact";
import { computed, signal } from "@preact/signals";
import { hashImageProps } from "../asset.ts";
import { deserialize } from "../deserialize.ts";

type Props = Record<string, unknown>;

/** A prop whose value is a piece of the page, still to be found there. */
class Slot {
  constructor(readonly id: number) {}
}

const previous = (options as Options).vnode;
options.vnode = (vnode) => {
  hashImageProps(vnode.type, vnode.props as Props);
  previous?.(vnode);
};

/** The nodes between an opening marker comment and its closing one. */
interface Range {
  readonly marker: string[];
  readonly start: Comment;
  end: Comment | null;
}

/**
 * Makes the page's islands live. The server has put each between the comments `frsh:island:NAME:PROPS:KEY` and
 * `/frsh`, and page content inside an island between `frsh:slot:ID` and `/frsh`.
 */
export function boot(islands: Record<string, ComponentType>, serializedProps: unknown[]): void {
  const allProps = deserialize(serializedProps, {
    signal,
    computed: (value) => computed(() => value),
    slot: (id) => new Slot(id),
  }) as Props[];
  const slots = new Map<number, Range>();
  const roots = findRanges(document.body, slots);
  for (const root of roots) {
    const { start, end } = root;
    if (
      end === null || start.parentNode === null ||
      start.parentNode !== end.parentNode
    ) {
      // deno-lint-ignore no-console -- the page stays as the server rendered it; its author must learn why
      console.error(
        `Island ${root.marker[2]}: the browser moved its markup, so the page's HTML is nested wrongly.`,
      );
      continue;
    }
    const vnode = islandVNode(root.marker);
    render(vnode, fragmentBetween(start, end) as unknown as Element);
  }

  function islandVNode(marker: string[]): VNode {
    const [, , name = "", index = "", key = ""] = marker;
    const props: Props = { ...allProps[Number(index)] };
    for (const [prop, value] of Object.entries(props)) {
      if (value instanceof Slot) props[prop] = slotContent(value.id);
    }
    if (key !== "") props.key = decodeURIComponent(key);
    return h(islands[name]!, props);
  }

  function slotContent(id: number): ComponentChildren {
    const range = slots.get(id);
    if (range !== undefined) {
      return h(Fragment, null, toVNodes(range.start.nextSibling, range.end));
    }
    const template = document.getElementById(`frsh-slot-${id}`) as
      | HTMLTemplateElement
      | null;
    if (template === null) return null;
    findRanges(template.content, slots);
    return h(Fragment, null, toVNodes(template.content.firstChild, null));
  }

  /** Page content as elements that Preact can keep in place. Islands in it become components. */
  function toVNodes(node: Node | null, end: Node | null): ComponentChildren[] {
    const content: ComponentChildren[] = [];
    for (; node !== null && node !== end; node = node.nextSibling) {
      if (node instanceof Text) content.push(node.data);
      else if (node instanceof Element) content.push(elementVNode(node));
      else if (
        node instanceof Comment && node.data.startsWith("frsh:island:")
      ) {
        content.push(islandVNode(node.data.split(":")));
        node = closingOf(node);
      }
    }
    return content;
  }

  function elementVNode(element: Element): VNode {
    const props: Props = {};
    for (const { name, value } of element.attributes) {
      const isBoolean = typeof (element as unknown as Props)[name] === "boolean";
      props[name] = isBoolean ? true : value;
    }
    const source = element instanceof HTMLTemplateElement ? element.content : element;
    return h(
      element.localName,
      props,
      ...toVNodes(source.firstChild, null),
    ) as VNode;
  }
}

/** The outermost islands below `root`; every slot on the way is noted in `slots`. */
function findRanges(root: Node, slots: Map<number, Range>): Range[] {
  const islands: Range[] = [];
  const open: Range[] = [];
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_COMMENT);
  while (walker.nextNode()) {
    const comment = walker.currentNode as Comment;
    if (comment.data === "/frsh") {
      const range = open.pop();
      if (range !== undefined) range.end = comment;
    } else if (comment.data.startsWith("frsh:")) {
      const range: Range = {
        marker: comment.data.split(":"),
        start: comment,
        end: null,
      };
      if (range.marker[1] === "slot") slots.set(Number(range.marker[2]), range);
      else if (open.length === 0) islands.push(range);
      open.push(range);
    }
  }
  return islands;
}

/** The comment that closes the range which `start` opens, among its siblings. */
function closingOf(start: Comment): Node {
  let depth = 0;
  let node: Node = start;
  for (; node.nextSibling !== null; node = node.nextSibling) {
    if (!(node instanceof Comment)) continue;
    if (node.data.startsWith("frsh:")) depth++;
    else if (node.data === "/frsh" && --depth === 0) break;
  }
  return node;
}

/** What Preact needs of a parent element, for the nodes between two comments. */
function fragmentBetween(start: Comment, end: Comment): unknown {
  const parent = start.parentNode!;
  const childNodes: ChildNode[] = [];
  for (
    let node = start.nextSibling;
    node !== null && node !== end;
    node = node.nextSibling
  ) childNodes.push(node);
  return {
    nodeType: 1,
    parentNode: parent,
    ownerDocument: document,
    namespaceURI: (parent as Element).namespaceURI,
    childNodes,
    get firstChild() {
      return childNodes[0] ?? null;
    },
    contains: (node: Node) => parent.contains(node),
    insertBefore: (node: Node, before: Node | null) =>
      parent.insertBefore(node, before !== null && before.parentNode === parent ? before : end),
    appendChild: (node: Node) => parent.insertBefore(node, end),
    removeChild: (node: Node) => parent.removeChild(node),
  };
}

import { type ComponentType, h, render } from "preact";

/**
 * Makes the page's islands interactive. The server has put each one between the comments `frsh:island:NAME:INDEX` and
 * `/frsh`.
 * @param islands by name
 * @param propsJson the props of each island as a JSON array
 */
export function boot(islands: Record<string, ComponentType>, propsJson: string): void {
  const allProps: Record<string, unknown>[] = JSON.parse(propsJson);
  const comments: Comment[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_COMMENT);
  while (walker.nextNode()) comments.push(walker.currentNode as Comment);
  comments.forEach((start, i) => {
    const [, island, index] = /^frsh:island:(\w+):(\d+)$/.exec(start.data) ?? [];
    if (island === undefined) return;
    const end = comments.slice(i).find(({ data }) => data === "/frsh");
    if (start.parentNode === null || start.parentNode !== end?.parentNode) {
      // deno-lint-ignore no-console -- the page stays as the server rendered it; its author must learn why
      console.error(`Island ${island}: the browser moved its markup, so the page's HTML is nested wrongly.`);
      return;
    }
    render(h(islands[island]!, allProps[Number(index)]!), fragmentBetween(start, end) as unknown as Element);
  });
}

/** The parts of a parent element that Preact uses, for the nodes between two comments. */
function fragmentBetween(start: Comment, end: Comment): unknown {
  const parent = start.parentNode!;
  const childNodes: ChildNode[] = [];
  for (let node = start.nextSibling; node !== null && node !== end; node = node.nextSibling) childNodes.push(node);
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

import type { ComponentChildren } from "preact";

/** Where the server's current render collects the children of `<Head>`; null outside of a render. */
export const headSink: { collect: ((children: ComponentChildren) => void) | null } = { collect: null };

/** Puts its children into the document's `<head>`, in the place of elements that say the same thing. Server only. */
export function Head(props: { children?: ComponentChildren }): ComponentChildren {
  if (headSink.collect === null) throw new Error("The stand-in renders <Head> on the server only, not in islands.");
  headSink.collect(props.children);
  return null;
}

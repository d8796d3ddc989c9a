import { Fragment, h, type VNode } from "preact";
import { jsxTemplate } from "preact/jsx-runtime";
import { renderToString } from "preact-render-to-string";
import { componentToVNode, pageProps } from "./component.ts";
import { type Context, requestState } from "./context.ts";
import { RenderState, slotOf, withRenderState } from "./render_state.ts";
import { serialize } from "./serialize.ts";
import type { LayoutConfig } from "./types.ts";

/** Where the `csp()` middleware finds the nonce of a rendered page. It never leaves the server in a header of its own. */
export const NONCE = Symbol("nonce");

/** Renders a page inside its layouts and app wrapper and answers with it. */
export async function renderPage<State>(
  ctx: Context<State>,
  content: VNode | null,
  init: ResponseInit,
  config: LayoutConfig,
): Promise<Response> {
  const { app, layouts, build } = requestState(ctx);
  let inner: VNode | null = content;
  for (
    const layout of config.skipInheritedLayouts ? [] : layouts.toReversed()
  ) {
    const child = inner;
    ctx.Component = () => child;
    const made = await componentToVNode(layout, pageProps(ctx, null, ctx.Component));
    if (made instanceof Response) return made;
    inner = made;
  }

  // The page is rendered before the app wrapper, so that its <Head> is known when the wrapper's <head> is written.
  let innerHtml = "";
  let outer: VNode | null = null;
  if (app !== null && !config.skipAppWrapper) {
    ctx.Component = () => jsxTemplate([innerHtml]) as VNode;
    const made = await componentToVNode(app, pageProps(ctx, null, ctx.Component));
    if (made instanceof Response) return made;
    outer = made;
  }

  const state = new RenderState(build, ctx.url);
  const html = withRenderState(state, () => {
    innerHtml = renderToString(inner ?? h(Fragment, null));
    const whole = outer === null ? innerHtml : renderToString(outer);
    return finishPage(state, inDocument(state, whole), ctx.config.basePath);
  });

  const headers = new Headers(init.headers);
  headers.set("Content-Type", "text/html; charset=utf-8");
  const preloads = modulesOf(state).map((file) => `<${encodeURI(ctx.config.basePath + file)}>; rel="modulepreload"`);
  if (preloads.length > 0) headers.append("Link", preloads.join(", "));
  const response = new Response(html, {
    status: init.status ?? 200,
    statusText: init.statusText,
    headers,
  });
  return Object.assign(response, { [NONCE]: state.nonce });
}

/** Adds what the page left out of `<html>`, `<head>` and `<body>`. */
function inDocument(state: RenderState, html: string): string {
  if (state.hasHtml && state.hasHead && state.hasBody) {
    return `<!DOCTYPE html>${html}`;
  }
  let tree: VNode = jsxTemplate([html]) as VNode;
  if (!state.hasBody) tree = h("body", null, tree) as VNode;
  if (!state.hasHead) {
    tree = h(Fragment, null, h("head", null, h("meta", { charset: "utf-8" })), tree) as VNode;
  }
  if (!state.hasHtml) tree = h("html", null, tree) as VNode;
  return `<!DOCTYPE html>${renderToString(tree)}`;
}

/** Puts scripts and head elements in their places. */
function finishPage(state: RenderState, html: string, basePath: string): string {
  // Slots that no island has shown may hold islands of their own: they come before the list of islands is written.
  let templates = "";
  for (let id = 0; id < state.slots.length; id++) {
    const content = state.slots[id];
    if (content === null || content === undefined) continue;
    templates += renderToString(
      h("template", { id: `frsh-slot-${id}` }, content),
    );
  }
  const nonce = state.nonce;
  let scripts = templates;
  if (state.islands.size > 0) {
    const islands = [...state.islands];
    const imports = islands.map(({ exportName, name, file }) =>
      `import{${exportName} as ${name}}from${JSON.stringify(basePath + file)};`
    );
    const boot = `import{boot}from${JSON.stringify(basePath + state.build.clientEntry)};`;
    const props = serialize(state.islandProps, { slotOf });
    scripts += `<script type="module" nonce="${nonce}">${boot}${imports.join("")}boot({${
      islands.map(({ name }) => name).join(",")
    }},${props})</script>`;
  }
  if (state.build.reloadEntry !== undefined) {
    scripts += `<script type="module" nonce="${nonce}" src="${basePath}${state.build.reloadEntry}"></script>`;
  }
  const head = [...state.headElements.values()].map((vnode) => renderToString(vnode)).join("") +
    modulesOf(state).map((file) => `<link rel="modulepreload" href="${encodeURI(basePath + file)}">`).join("");
  return html
    .replace(`<!--${state.headMark}-->`, () => head)
    .replace(`<!--${state.bodyMark}-->`, () => scripts);
}

/** URL paths of all client code that the page needs to start. */
function modulesOf(state: RenderState): string[] {
  if (state.islands.size === 0) return [];
  const { build } = state;
  const entries = [
    build.clientEntry,
    ...[...state.islands].map(({ file }) => file),
  ];
  return [
    ...new Set(entries.flatMap((file) => [file, ...build.importsOf(file)])),
  ];
}

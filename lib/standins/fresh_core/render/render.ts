import { Fragment, h, type VNode } from "preact";
import { jsxTemplate } from "preact/jsx-runtime";
import { renderToString } from "preact-render-to-string";
import { RenderState, withRenderState } from "./render_state.ts";
import { requestState } from "../request_state.ts";
import { serialize } from "./serialize.ts";
import type { Context } from "../types.ts";

/** Where the `csp()` middleware finds the nonce of a rendered page. It is never sent as a header of its own. */
export const NONCE = Symbol("nonce");

/** Renders a page inside the app wrapper and answers with it. */
export function renderPage<State>(ctx: Context<State>, content: VNode | null, init: ResponseInit): Response {
  const { appWrapper, build } = requestState(ctx);
  const renderState = new RenderState(build);
  const html = withRenderState(renderState, () => {
    // The page renders before the app wrapper, so that its <Head> is known when the wrapper's <head> is written.
    const inner = renderToString(content ?? h(Fragment, null));
    if (appWrapper === null) return finishPage(renderState, inDocument(renderState, inner));
    ctx.Component = () => jsxTemplate([inner]) as VNode;
    const { url, req, params, info, state, route, Component } = ctx;
    const props = { url, req, params, info, state, route, Component, data: null };
    return finishPage(renderState, inDocument(renderState, renderToString(h(appWrapper, props))));
  });

  const headers = new Headers(init.headers);
  headers.set("Content-Type", "text/html; charset=utf-8");
  const preloads = modulesOf(renderState).map((file) => `<${encodeURI(file)}>; rel="modulepreload"`);
  if (preloads.length > 0) headers.append("Link", preloads.join(", "));
  const response = new Response(html, { status: init.status ?? 200, statusText: init.statusText, headers });
  return Object.assign(response, { [NONCE]: renderState.nonce });
}

/** Adds the `<html>`, `<head>` and `<body>` that the page left out. */
function inDocument(state: RenderState, html: string): string {
  if (state.hasHtml && state.hasHead && state.hasBody) return `<!DOCTYPE html>${html}`;
  let tree: VNode = jsxTemplate([html]) as VNode;
  if (!state.hasBody) tree = h("body", null, tree) as VNode;
  if (!state.hasHead) tree = h(Fragment, null, h("head", null, h("meta", { charset: "utf-8" })), tree) as VNode;
  if (!state.hasHtml) tree = h("html", null, tree) as VNode;
  return `<!DOCTYPE html>${renderToString(tree)}`;
}

/** Puts scripts and head elements in their places. */
function finishPage(state: RenderState, html: string): string {
  const { nonce, build } = state;
  let scripts = "";
  if (state.islands.size > 0) {
    const islands = [...state.islands];
    const imports = islands.map(({ exportName, name, modules }) =>
      `import{${exportName} as ${name}}from${JSON.stringify(modules[0])};`
    );
    const names = islands.map(({ name }) => name).join(",");
    const boot = `import{boot}from${JSON.stringify(build.runtime[0])};${imports.join("")}`;
    scripts += `<script type="module" nonce="${nonce}">${boot}boot({${names}},${
      serialize(state.islandProps)
    })</script>`;
  }
  if (build.reloadScript !== undefined) {
    scripts += `<script type="module" nonce="${nonce}" src="${build.reloadScript}"></script>`;
  }
  const head = [...state.headElements.values()].map((vnode) => renderToString(vnode)).join("");
  return html
    .replace(`<!--${state.headMark}-->`, () => head)
    .replace(`<!--${state.bodyMark}-->`, () => scripts);
}

/** URL paths of all client code that the page needs to start. */
function modulesOf({ islands, build }: RenderState): string[] {
  if (islands.size === 0) return [];
  return [...new Set([...build.runtime, ...[...islands].flatMap(({ modules }) => modules)])];
}

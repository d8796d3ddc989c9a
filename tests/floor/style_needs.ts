/** Finds features in stylesheets that the oldest browsers lack: at-rules, properties, values, units, selectors, media features. */
// @ts-types="@types/css-tree"
import { type CssNode, generate, parse, walk } from "css-tree";
import { type Feature, featureAt, lackingIn, lackingInAll, partsOf } from "./compat.ts";

const UNITS: [RegExp, string][] = [
  [/^d(vh|vw|vi|vb|vmin|vmax)$/, "viewport_percentage_units_dynamic"],
  [/^s(vh|vw|vi|vb|vmin|vmax)$/, "viewport_percentage_units_small"],
  [/^l(vh|vw|vi|vb|vmin|vmax)$/, "viewport_percentage_units_large"],
  [/^cq(h|w|i|b|min|max)$/, "container_query_length_units"],
];
const PREFIX = /^-(webkit|moz)-/;

/** All functions of one name, anywhere in the data. */
const functions = new Map<string, Feature[]>();
function collect(features: Feature | undefined): void {
  for (const [name, feature] of partsOf(features)) {
    if (feature.__compat !== undefined) functions.set(name, [...functions.get(name) ?? [], feature]);
    collect(feature);
  }
}
collect(featureAt("css", "types"));
collect(featureAt("css", "properties"));

/**
 * The missing features that a stylesheet needs, each once with the browsers that lack it. Rules inside `@supports` are
 * skipped.
 */
export function needsOfStyles(css: string): string[] {
  const found = new Set<string>();
  const add = (what: string, lacking: string[]) => lacking.length > 0 && found.add(`${what} (${lacking.join(", ")})`);
  const tree = parse(css, {
    parseCustomProperty: true,
    onParseError: (error: Error) => found.add(`syntax: ${error.message}`),
  });
  walk(tree, function (node: CssNode) {
    if (this.atrule !== null && this.atrule !== node && this.atrule.name === "supports") return;
    switch (node.type) {
      case "Atrule":
        return void add(`@${node.name}`, lackingIn(featureAt("css", "at-rules", node.name)));
      case "Rule":
        if (this.rule !== null && this.rule !== node) {
          add("nesting", lackingIn(featureAt("css", "selectors", "nesting")));
        }
        return;
      case "Feature":
        return void add(`@media (${node.name})`, lackingIn(featureAt("css", "at-rules", "media", node.name)));
      case "PseudoClassSelector":
      case "PseudoElementSelector":
        if (!PREFIX.test(node.name)) {
          add(`${generate(node).replace(/\(.*/, "()")}`, lackingIn(featureAt("css", "selectors", node.name)));
        }
        return;
      case "Declaration": {
        if (node.property.startsWith("--") || PREFIX.test(node.property)) return;
        const property = featureAt("css", "properties", node.property);
        const spelled = this.block?.children.some((other) =>
          other.type === "Declaration" && other.property === `-webkit-${node.property}`
        );
        const lacking = lackingIn(property);
        const withPrefix = spelled ? lackingIn(property, "-webkit-") : lacking;
        add(`${node.property}:`, lacking.filter((browser) => withPrefix.includes(browser)));
        return;
      }
      case "Identifier": {
        const property = this.declaration?.property;
        if (property === undefined || property.startsWith("--")) return;
        if (lackingIn(featureAt("css", "properties", property)).length > 0) return;
        return void add(`${property}: ${node.name}`, lackingIn(featureAt("css", "properties", property, node.name)));
      }
      case "Function":
        if (!PREFIX.test(node.name)) add(`${node.name}()`, lackingInAll(functions.get(node.name) ?? []));
        return;
      case "Dimension": {
        const unit = UNITS.find(([pattern]) => pattern.test(node.unit))?.[1] ?? node.unit;
        return void add(node.unit, lackingIn(featureAt("css", "types", "length", unit)));
      }
    }
  });
  return [...found].sort();
}

/** Finds features in scripts that the oldest browsers lack: syntax, built-ins and Web APIs, by their names. */
import { type AnyNode, type MemberExpression, type Node, parse, type Pattern } from "acorn";
import { ancestor, full } from "acorn-walk";
import { type Feature, featureAt, lackingIn, lackingInAll, partsOf } from "./compat.ts";

/** ES2022 syntax; the parts that Safari 15.4 lacks are checked separately. Newer syntax does not parse. */
const SYNTAX = 2022;
const GLOBAL_OBJECTS = new Set(["window", "globalThis", "self"]);
/** Objects that browsers provide, and their interfaces. */
const INSTANCES: Record<string, string> = {
  navigator: "Navigator",
  document: "Document",
  location: "Location",
  history: "History",
  crypto: "Crypto",
  performance: "Performance",
  screen: "Screen",
  caches: "CacheStorage",
  indexedDB: "IDBFactory",
  localStorage: "Storage",
  sessionStorage: "Storage",
  visualViewport: "VisualViewport",
};

const builtins = featureAt("javascript", "builtins");
const api = featureAt("api");
/**
 * All members of one name, of any interface that the oldest browsers have. A missing interface itself is found where it
 * is created. Statics are identified by the object before them.
 */
const members = new Map<string, Member>();

interface Member {
  features: Feature[];
  /** A member of the language's own values, which appear everywhere, so no name of ours hides it. */
  ofValues: boolean;
}
/** Built-ins that are less common: our own objects have methods of the same names. */
const RARE = /Iterator|Generator|^Symbol$/;
for (
  const [owners, values] of [[builtins, true], [featureAt("javascript", "builtins", "Intl"), true], [
    api,
    false,
  ]] as const
) {
  for (const [ownerName, owner] of partsOf(owners)) {
    if (lackingIn(owner).length > 0) continue;
    for (const [name, feature] of partsOf(owner)) {
      if (feature.__compat === undefined) continue;
      const known = members.get(name) ?? { features: [], ofValues: false };
      known.features.push(feature);
      known.ofValues ||= values && !RARE.test(ownerName);
      members.set(name, known);
    }
  }
}

/**
 * The missing features that scripts need, by name of script, each once with the browsers that lack it:
 * `.toSorted (chrome 99)`. A member whose name belongs to Web APIs and to the scripts' own objects counts as their own.
 */
export function needsOfScripts(scripts: ReadonlyMap<string, string>): Map<string, string[]> {
  const needs = new Map<string, string[]>();
  const programs = new Map<string, Node>();
  for (const [name, code] of scripts) {
    try {
      programs.set(name, parse(code, { ecmaVersion: SYNTAX, sourceType: "module" }));
    } catch (error) {
      needs.set(name, [`syntax: ${(error as Error).message}`]);
    }
  }
  const names = new Map([...programs].map(([name, program]) => [name, namesOf(program)]));
  const own = new Set([...names.values()].flatMap(({ own }) => [...own]));
  for (const [name, program] of programs) needs.set(name, needsOf(program, names.get(name)!.declared, own));
  return needs;
}

function needsOf(program: Node, declared: ReadonlySet<string>, own: ReadonlySet<string>): string[] {
  const found = new Set<string>();
  const add = (what: string, lacking: string[]) => lacking.length > 0 && found.add(`${what} (${lacking.join(", ")})`);
  const isGlobal = (node: AnyNode, name?: string): boolean =>
    node.type === "Identifier" && !declared.has(node.name) && (name === undefined || node.name === name);

  const needsGlobal = (name: string) => {
    const features = [
      featureAt("javascript", "builtins", name),
      featureAt("api", name),
      featureAt("api", "Window", name),
    ];
    add(name, lackingInAll(features.filter((feature) => feature?.__compat !== undefined) as Feature[]));
  };

  /** A member access; `owner`: the global it belongs to, if known. */
  const needsMember = (owner: string | undefined, name: string) => {
    if (owner !== undefined && GLOBAL_OBJECTS.has(owner)) return needsGlobal(name);
    if (
      owner !== undefined && (featureAt("javascript", "builtins", owner) ?? featureAt("api", owner) ?? INSTANCES[owner])
    ) {
      const known = [
        featureAt("javascript", "builtins", owner, name),
        featureAt("api", owner, `${name}_static`),
        featureAt("api", INSTANCES[owner] ?? owner, name),
      ].find((feature) => feature?.__compat !== undefined);
      if (known !== undefined) return add(`${owner}.${name}`, lackingIn(known));
    }
    const known = members.get(name);
    if (known === undefined) return;
    if (!known.ofValues && own.has(name)) return;
    add(`.${name}`, lackingInAll(known.features));
  };

  const needsPattern = (source: string, flags: string) => {
    if (/\(\?<[=!]/.test(source.replace(/\\./gs, ""))) add("syntax: lookbehind", ["safari 15.4"]);
    try {
      parse(`/${source.replace(/\//g, "\\/").replace(/\\\\\//g, "\\/").replace(/\n/g, "\\n")}/${flags}`, {
        ecmaVersion: SYNTAX,
      });
    } catch (error) {
      found.add(`syntax: ${(error as Error).message}`);
    }
  };

  full(program, (node) => {
    const at = node as AnyNode;
    if (at.type === "StaticBlock") add("syntax: static block", ["safari 15.4"]);
    if (at.type === "MemberExpression") {
      const name = nameOf(at);
      if (name === undefined) return;
      needsMember(ownerOf(at.object), name);
    }
    if (at.type === "VariableDeclarator" && at.init && at.id.type === "ObjectPattern") {
      const owner = ownerOf(at.init);
      for (const property of at.id.properties) {
        if (owner !== undefined && property.type === "Property" && property.key.type === "Identifier") {
          needsMember(owner, property.key.name);
        }
      }
    }
    if (at.type === "Literal" && at.regex) needsPattern(at.regex.pattern, at.regex.flags);
    if ((at.type === "NewExpression" || at.type === "CallExpression") && isGlobal(at.callee, "RegExp")) {
      const [source, flags] = at.arguments.map((argument) => argument.type === "Literal" ? argument.value : undefined);
      if (typeof source === "string") needsPattern(source, typeof flags === "string" ? flags : "");
    }
    // Attributes of created elements.
    if (at.type === "Property" && at.kind === "init" && at.key.type === "Identifier") {
      add(`attribute ${at.key.name}`, lackingIn(featureAt("html", "global_attributes", at.key.name.toLowerCase())));
    }
  });
  ancestor(
    program,
    {
      Identifier(node: AnyNode) {
        if (isGlobal(node)) needsGlobal((node as { name: string }).name);
      },
    } as Parameters<typeof ancestor>[1],
  );
  return [...found].sort();

  /** The global that an expression refers to: `URL`, `window.URL`. */
  function ownerOf(node: AnyNode): string | undefined {
    if (isGlobal(node)) return (node as { name: string }).name;
    if (node.type !== "MemberExpression" || !isGlobal(node.object)) return undefined;
    return GLOBAL_OBJECTS.has((node.object as { name: string }).name) ? nameOf(node) : undefined;
  }
}

function nameOf({ property, computed }: MemberExpression): string | undefined {
  if (!computed) return property.type === "Identifier" ? property.name : undefined;
  return property.type === "Literal" && typeof property.value === "string" ? property.value : undefined;
}

/** All names that the script declares, and those of its own objects' members. */
function namesOf(program: Node): { declared: Set<string>; own: Set<string> } {
  const declared = new Set<string>();
  const own = new Set<string>();
  const declare = (pattern: Pattern | null | undefined): void => {
    if (!pattern) return;
    if (pattern.type === "Identifier") declared.add(pattern.name);
    else if (pattern.type === "ArrayPattern") pattern.elements.forEach(declare);
    else if (pattern.type === "AssignmentPattern") declare(pattern.left);
    else if (pattern.type === "RestElement") declare(pattern.argument);
    else if (pattern.type === "ObjectPattern") {
      pattern.properties.forEach((part) => declare(part.type === "Property" ? part.value : part.argument));
    }
  };
  full(program, (node) => {
    const at = node as AnyNode;
    if (at.type === "VariableDeclarator") declare(at.id);
    if (
      at.type === "FunctionDeclaration" || at.type === "FunctionExpression" || at.type === "ArrowFunctionExpression"
    ) {
      at.params.forEach(declare);
    }
    if (at.type === "FunctionDeclaration" || at.type === "FunctionExpression") declare(at.id);
    if (at.type === "ClassDeclaration" || at.type === "ClassExpression") declare(at.id);
    if (at.type === "CatchClause") declare(at.param);
    if (
      at.type === "ImportSpecifier" || at.type === "ImportDefaultSpecifier" || at.type === "ImportNamespaceSpecifier"
    ) {
      declare(at.local);
    }
    if (
      (at.type === "Property" || at.type === "MethodDefinition" || at.type === "PropertyDefinition") && !at.computed
    ) {
      if (at.key.type === "Identifier") own.add(at.key.name);
    }
  });
  return { declared, own };
}

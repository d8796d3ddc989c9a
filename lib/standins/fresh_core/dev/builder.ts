import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { App, setBuildCache } from "../app.ts";
import { type BuildInfo, buildParts } from "../build_cache.ts";
import { contentTypeOf } from "../content_type.ts";
import { shortHash } from "../hash.ts";
import type { BuildCache } from "../types.ts";
import { bundle, type ClientFile, stopBundler } from "./bundle.ts";
import { type ListenOptions, startDevServer } from "./dev_server.ts";
import { writeIfChanged } from "./files.ts";
import { listModules, loadModules, MANIFEST_FILE, manifestText, type ModuleList } from "./manifest.ts";
import { findConfig } from "./resolve.ts";
import {
  type OnTransformOptions,
  readStaticFile,
  readStaticFiles,
  type StaticSource,
  type TransformFn,
} from "./static_source.ts";
import { storeBuild } from "./store_build.ts";

/** Options of `new Builder()`. Paths are absolute, file URLs, or relative to `root`. */
export interface BuildOptions {
  /** The browsers that client code must run in, in esbuild's terms. */
  target?: string | string[];
  /** The project's folder. Default: the current one. */
  root?: string;
  /** The folder of a production build. Default: "_fresh". */
  outDir?: string;
}

function absolute(path: string, base: string): string {
  if (path.startsWith("file://")) return fileURLToPath(path);
  return isAbsolute(path) ? path : join(base, path);
}

/** Makes the client code and runs the development server. */
// deno-lint-ignore no-explicit-any -- as upstream: a builder serves any app
export class Builder<State = any> {
  /** The options with absolute paths and all defaults. */
  config: Required<BuildOptions> & { mode: "development" | "production" };
  readonly #transforms: { options: OnTransformOptions; callback: TransformFn }[] = [];

  constructor(options: BuildOptions = {}) {
    const root = absolute(options.root ?? ".", Deno.cwd());
    this.config = {
      root,
      target: options.target ?? ["chrome99", "firefox99", "safari15"],
      outDir: absolute(options.outDir ?? "_fresh", root),
      mode: "production",
    };
  }

  /** Adds a transform for static files. */
  onTransformStaticFile(options: OnTransformOptions, callback: TransformFn): void {
    this.#transforms.push({ options, callback });
  }

  /**
   * Starts the development server. The page reloads when a static file changes, and when Deno has restarted the server
   * after a change of a source file (`deno run --watch=routes/,islands/,… dev.ts`). If the app cannot be loaded, a page
   * shows the reason.
   */
  async listen(importApp: () => Promise<{ app: App<State> } | App<State>>, options: ListenOptions = {}): Promise<void> {
    this.config.mode = "development";
    await startDevServer({
      options,
      watched: this.#statics.dir,
      load: async () => {
        const modules = await this.#writeManifest();
        const imported = await importApp();
        const app = imported instanceof App ? imported : imported.app;
        return { app, build: await this.#memoryBuild(modules) };
      },
    });
  }

  /**
   * Makes a build: on disk, in `outDir`, or in memory for tests. The returned function applies a build in memory to an
   * app; a build on disk is applied by its own `server.js`.
   */
  async build(options: { snapshot?: "disk" | "memory" } = {}): Promise<(app: App<State>) => void> {
    this.config.mode = "production";
    try {
      if (options.snapshot === "memory") {
        const build = await this.#memoryBuild(await listModules(this.config.root));
        return (app) => setBuildCache(app, build);
      }
      await this.#storeBuild(await this.#writeManifest());
    } finally {
      await stopBundler();
    }
    return () => {
      throw new Error('A build on disk is served by its server.js. Use build({ snapshot: "memory" }) to apply one.');
    };
  }

  async #writeManifest(): Promise<ModuleList> {
    const modules = await listModules(this.config.root);
    await writeIfChanged(join(this.config.root, MANIFEST_FILE), manifestText(modules));
    return modules;
  }

  get #statics(): StaticSource {
    return { dir: join(this.config.root, "static"), transforms: this.#transforms, mode: this.config.mode };
  }

  async #memoryBuild(modules: ModuleList): Promise<BuildCache<State>> {
    const [manifest, client] = await Promise.all([loadModules(this.config.root, modules), this.#client(modules, [])]);
    const clientFiles = new Map(client.files.map(({ name, content }) => [name, content]));
    const statics = this.#statics;
    return {
      mode: this.config.mode,
      ...buildParts<State>(manifest, client.info),
      async readFile(path) {
        const code = clientFiles.get(path);
        const file = code === undefined
          ? await readStaticFile(statics, path)
          : { content: code, contentType: contentTypeOf(path) };
        if (file === null) return null;
        const { content, contentType } = file;
        const hash = await shortHash(content);
        return { hash, size: content.byteLength, contentType, readable: content, close: () => {} };
      },
    };
  }

  async #storeBuild(modules: ModuleList): Promise<void> {
    const { root, outDir } = this.config;
    const statics = await readStaticFiles(this.#statics);
    const client = await this.#client(modules, [...statics].map(([name, { content }]) => ({ name, content })));
    await storeBuild({ root, outDir, info: client.info, clientFiles: client.files, statics });
    // deno-lint-ignore no-console -- the build's one line of output
    console.log(`Build written to ${outDir}`);
  }

  /** Bundles the islands. The build id is a hash of everything that browsers get. */
  async #client(modules: ModuleList, statics: ClientFile[]): Promise<{ info: BuildInfo; files: ClientFile[] }> {
    const { root, target, mode } = this.config;
    const code = await bundle({
      config: await findConfig(root),
      root,
      islands: modules.islands,
      isProduction: mode === "production",
      target,
    });
    const hashes = await Promise.all(
      [...code.files, ...statics].map(async ({ name, content }) => `${name} ${await shortHash(content)}`),
    );
    const buildId = await shortHash(new TextEncoder().encode(hashes.sort().join("\n")));
    const toPath = (name: string) => `/_fresh/js/${buildId}/${name}`;
    const islands = Object.entries(code.islands).map(([island, names]) => [island, names.map(toPath)]);
    return {
      info: { buildId, runtime: code.runtime.map(toPath), islands: Object.fromEntries(islands) },
      files: code.files.map(({ name, content }) => ({ name: toPath(name), content })),
    };
  }
}

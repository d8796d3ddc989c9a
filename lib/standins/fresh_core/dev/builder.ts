import { isAbsolute, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { App, type ListenOptions, setBuildCache } from "../app.ts";
import type { BuildInfo } from "../build_cache.ts";
import { BUILD_ID } from "../build_id.ts";
import { shortHash } from "../hash.ts";
import { bundle, type BundleOptions, type ClientFile, stopBundler } from "./bundle.ts";
import { startDevServer } from "./dev_server.ts";
import { writeIfChanged } from "./files.ts";
import { listModules, loadModules, MANIFEST_FILE, manifestText, type ModuleList } from "./manifest.ts";
import { memoryBuild } from "./memory_build.ts";
import { findConfig } from "./resolve.ts";
import { readStaticFiles, type StaticSource } from "./static_source.ts";
import { storeBuild } from "./store_build.ts";
import type { OnTransformOptions, Transform, TransformFn } from "./transform.ts";

/** What `new Builder()` accepts. Paths are absolute, file URLs, or relative to `root`. */
export interface BuildOptions {
  /** Browsers that client code must run in, in esbuild's words. */
  target?: string | string[];
  /** The project's folder. Default: the current one. */
  root?: string;
  /** Where a production build goes. Default: "_fresh". */
  outDir?: string;
  /** Folders of static files; the first that has a file wins. Default: "static". */
  staticDir?: string | string[];
  /** Default: "islands". */
  islandDir?: string;
  /** Default: "routes". */
  routeDir?: string;
  /** The module that exports `app`. Default: "main.ts". */
  serverEntry?: string;
  /** Route and island files to leave out. Default: tests. */
  ignore?: RegExp[];
  /** Source maps of production builds. Default: none. */
  sourceMap?: BundleOptions["sourceMap"];
}

/** {@linkcode BuildOptions} with absolute paths and every default filled in. */
export type ResolvedBuildConfig =
  & Required<Omit<BuildOptions, "sourceMap" | "staticDir">>
  & {
    staticDir: string[];
    mode: "development" | "production";
    buildId: string;
    sourceMap?: BuildOptions["sourceMap"];
  };

const TEST_FILE = /[._]test\.(?:[tj]sx?|[mc][tj]s)$/;

/** Where client code lies in a build, before the build id. */
const CLIENT_PATH = "/_fresh/js";

function absolute(path: string, base: string): string {
  if (path.startsWith("file://")) return fileURLToPath(path);
  return isAbsolute(path) ? path : join(base, path);
}

/** Makes the client code and runs the development server. */
// deno-lint-ignore no-explicit-any -- as upstream: a builder serves any app
export class Builder<State = any> {
  config: ResolvedBuildConfig;
  readonly #transforms: Transform[] = [];
  readonly #islands: string[] = [];

  constructor(options: BuildOptions = {}) {
    const root = absolute(options.root ?? ".", Deno.cwd());
    this.config = {
      root,
      target: options.target ?? ["chrome99", "firefox99", "safari15"],
      outDir: absolute(options.outDir ?? "_fresh", root),
      staticDir: [options.staticDir ?? "static"].flat().map((dir) => absolute(dir, root)),
      islandDir: absolute(options.islandDir ?? "islands", root),
      routeDir: absolute(options.routeDir ?? "routes", root),
      serverEntry: absolute(options.serverEntry ?? "main.ts", root),
      ignore: options.ignore ?? [TEST_FILE],
      mode: "production",
      buildId: BUILD_ID,
      sourceMap: options.sourceMap,
    };
  }

  /** Adds an island file from outside the islands folder: a path, a file URL or a package. */
  registerIsland(specifier: string): void {
    const isPackage = /^(jsr|npm|https?):/.test(specifier) ||
      /^@|^[^./]+$/.test(specifier);
    this.#islands.push(
      isPackage ? specifier : `./${relative(this.config.root, absolute(specifier, this.config.root))}`,
    );
  }

  /** Adds a transform for static files. */
  onTransformStaticFile(options: OnTransformOptions, callback: TransformFn): void {
    this.#transforms.push({ options, callback });
  }

  /**
   * Starts the development server. The page reloads by itself when a static file changes and when Deno has restarted
   * the server, which `deno run --watch=routes/,islands/,… dev.ts` does on every change of a source file. An app that
   * cannot be loaded is shown as a page with the reason.
   */
  async listen(importApp: () => Promise<{ app: App<State> } | App<State>>, options: ListenOptions = {}): Promise<void> {
    this.config.mode = "development";
    await startDevServer({
      options,
      watched: this.config.staticDir,
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
  async build(
    options: {
      mode?: ResolvedBuildConfig["mode"];
      snapshot?: "disk" | "memory";
    } = {},
  ): Promise<(app: App<State>) => void> {
    this.config.mode = options.mode ?? "production";
    try {
      if (options.snapshot === "memory") {
        const build = await this.#memoryBuild(await this.#modules());
        return (app) => setBuildCache(app, build, app.config.mode);
      }
      await this.#storeBuild(await this.#writeManifest());
    } finally {
      await stopBundler();
    }
    return () => {
      throw new Error('A build on disk is served by its server.js. Use build({ snapshot: "memory" }) to apply one.');
    };
  }

  #modules(): Promise<ModuleList> {
    return listModules({ ...this.config, registered: this.#islands });
  }

  async #writeManifest(): Promise<ModuleList> {
    const modules = await this.#modules();
    await writeIfChanged(join(this.config.root, MANIFEST_FILE), manifestText(modules));
    return modules;
  }

  get #statics(): StaticSource {
    const { root, target, mode, staticDir, outDir } = this.config;
    return {
      dirs: staticDir,
      transforms: this.#transforms,
      settings: { root, target, mode },
      leaveOut: outDir,
    };
  }

  async #memoryBuild(modules: ModuleList) {
    const [manifest, client] = await Promise.all([loadModules(this.config.root, modules), this.#client(modules, [])]);
    return memoryBuild<State>({
      root: this.config.root,
      manifest,
      info: client.info,
      clientFiles: client.files,
      statics: this.#statics,
    });
  }

  async #storeBuild(modules: ModuleList): Promise<void> {
    const statics = await readStaticFiles(this.#statics);
    const client = await this.#client(modules, [...statics].map(([name, { content }]) => ({ name, content })));
    await storeBuild({
      ...this.config,
      info: client.info,
      clientFiles: client.files,
      statics,
    });
    // deno-lint-ignore no-console -- the build's one line of output
    console.log(
      `Build ${client.info.buildId} written to ${this.config.outDir}`,
    );
  }

  /** Bundles the islands and names the build after everything that browsers get. */
  async #client(modules: ModuleList, statics: ClientFile[]): Promise<{ info: BuildInfo; files: ClientFile[] }> {
    const { root, target, mode, sourceMap, routeDir } = this.config;
    const code = await bundle({
      config: await findConfig(root),
      root,
      islands: modules.islands,
      isProduction: mode === "production",
      target,
      sourceMap,
    });
    const hashes = await Promise.all(
      [...code.files, ...statics].map(async ({ name, content }) => `${name} ${await shortHash(content)}`),
    );
    const buildId = await shortHash(new TextEncoder().encode(hashes.sort().join("\n")));
    this.config.buildId = buildId;
    const toPath = (name: string) => `${CLIENT_PATH}/${buildId}/${name}`;
    const info: BuildInfo = {
      buildId,
      clientEntry: toPath(code.runtime),
      routeDir: `./${relative(root, routeDir).replaceAll("\\", "/")}`,
      islandFiles: Object.fromEntries(
        Object.entries(code.islands).map(([specifier, name]) => [specifier, toPath(name)]),
      ),
      imports: Object.fromEntries(
        Object.entries(code.imports).map(([name, imported]) => [toPath(name), imported.map(toPath)]),
      ),
    };
    return {
      info,
      files: code.files.map(({ name, content }) => ({
        name: toPath(name),
        content,
      })),
    };
  }
}

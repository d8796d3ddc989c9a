/**
 * Finds WebKit for tests, or installs Debian's where that is possible: WebKitGTK, near to the newest Safari, and WPE, which
 * Debian keeps at a WebKit of 2022 (Safari 16).
 */
import { installPackages, isFile } from "./debian_packages.ts";
import { isFastRun, skipped } from "./skipping.ts";
import { freePort } from "./server_process.ts";
import { WebDriverSession } from "./webdriver.ts";

/** A WebKit that can be started; `name` tells it from the other one. */
export interface WebKitEngine {
  name: "WebKitGTK" | "WPE";
  driver: string;
  /** Its windows need a screen. */
  needsScreen: boolean;
  capabilities: Record<string, unknown>;
}

interface Known extends WebKitEngine {
  packages: readonly string[];
  /** The programs without which it does not run. */
  programs: readonly string[];
}

const MINI_BROWSERS = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((arch) => (
  `/usr/lib/${arch}/webkit2gtk-4.1/MiniBrowser`
));

function known(): Known[] {
  const miniBrowser = MINI_BROWSERS.find(isFile) ?? MINI_BROWSERS[0]!;
  return [{
    name: "WebKitGTK",
    packages: ["webkit2gtk-driver", "xvfb"],
    programs: ["/usr/bin/WebKitWebDriver", "/usr/bin/Xvfb", miniBrowser],
    driver: "/usr/bin/WebKitWebDriver",
    needsScreen: true,
    capabilities: {
      browserName: "MiniBrowser",
      "webkitgtk:browserOptions": { binary: miniBrowser, args: ["--automation"] },
    },
  }, {
    name: "WPE",
    packages: ["cog", "wpewebkit-driver"],
    programs: ["/usr/bin/WPEWebDriver", "/usr/bin/cog"],
    driver: "/usr/bin/WPEWebDriver",
    needsScreen: false,
    capabilities: {
      "wpe:browserOptions": { binary: "/usr/bin/cog", args: ["--automation", "--platform=headless"] },
    },
  }];
}

/**
 * The WebKits of this machine, after installing Debian's packages where this is Debian and we are root; says which ones are
 * missing. With CI=true a missing one is an error: a green run must have run their tests.
 */
export async function findWebKits(): Promise<{ name: WebKitEngine["name"]; engine: WebKitEngine | undefined }[]> {
  if (isFastRun()) {
    skipped("tests in WebKit", "left out of the fast run");
    return known().map(({ name }) => ({ name, engine: undefined }));
  }
  const missing = known().filter(({ programs }) => !programs.every(isFile));
  if (missing.length > 0) await installPackages(missing.flatMap(({ packages }) => packages), "for tests in WebKit");
  return known().map(({ packages, programs, ...engine }) => {
    if (programs.every(isFile)) return { name: engine.name, engine };
    const why = `none found; install it (Debian: apt-get install ${packages.join(" ")})`;
    return { name: engine.name, engine: skipped(`tests in ${engine.name}`, why) };
  });
}

/** A browser of its own, with nothing in its storage; `close` ends it and its driver. */
export async function launchWebKit(
  { driver, needsScreen, capabilities }: WebKitEngine,
): Promise<{ session: WebDriverSession; close(): Promise<void> }> {
  const ending: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const end of ending.splice(0).reverse()) await end();
  };
  try {
    const screen = needsScreen ? await startScreen() : undefined;
    if (screen !== undefined) ending.push(screen.close);
    const port = freePort();
    const process = new Deno.Command(driver, {
      args: [`--port=${port}`, "--host=127.0.0.1"],
      env: { ...(screen && { DISPLAY: screen.display }), LANG: "C.UTF-8", LANGUAGE: "en" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    ending.push(() => {
      process.kill("SIGTERM");
      return process.status;
    });
    const url = `http://127.0.0.1:${port}`;
    await untilReady(url);
    const session = await WebDriverSession.start(url, capabilities);
    ending.push(() => session.close());
    return { session, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An X server without a screen, under a number that it finds free. */
async function startScreen(): Promise<{ display: string; close(): Promise<unknown> }> {
  const process = new Deno.Command("/usr/bin/Xvfb", {
    args: ["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = process.stdout.getReader();
  const close = async () => {
    process.kill("SIGTERM");
    await process.status;
    await reader.cancel();
  };
  let display = "";
  // The number comes in parts; closing the pipe earlier than the server ends the server.
  while (!display.endsWith("\n")) {
    const { value } = await reader.read();
    if (value === undefined) throw new Error(`Xvfb ended with ${(await process.status).code}`);
    display += new TextDecoder().decode(value);
  }
  return { display: `:${display.trim()}`, close };
}

/** Longest time a driver may take to listen, ms. */
const DRIVER_TIMEOUT_MS = 10_000;

async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + DRIVER_TIMEOUT_MS;
  for (;;) {
    try {
      const response = await fetch(`${url}/status`);
      await response.body?.cancel();
      return;
    } catch (error) {
      if (!(error instanceof TypeError) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50)); // Not listening yet.
    }
  }
}

/** Somebody collects TURN accounts; and others' wrong passwords keep an operator out. */
import { hashPassword } from "../../lib/server/admin/password.ts";
import { attack } from "./attack.ts";
import { request } from "./http.ts";
import { startTarget } from "./target.ts";

attack("A10", "500 requests of strangers get no TURN account", async ({ findings }) => {
  await using target = await startTarget({
    env: {
      FESTIVAL_TURN_URLS: "turn:127.0.0.1:3478",
      FESTIVAL_TURN_SECRET: "north",
      FESTIVAL_STUN_URLS: "stun:127.0.0.1",
    },
  });
  const { port } = target;
  const answers = await Promise.all(
    Array.from({ length: 500 }, () => request({ port, from: "127.66.0.1" }, "/mesh/config")),
  );
  const accounts = answers.filter(({ body }) => body.includes("credential"));
  findings.atLeast("answers", answers.filter(({ status }) => status === 200).length, 500);
  findings.atMost("accounts", accounts.length, 0);
});

attack(
  "A12",
  "wrong passwords from the same address keep no operator out who has logged in before",
  async ({ findings }) => {
    const password = "correct horse battery staple";
    const env = {
      FESTIVAL_ADMIN_PASSWORD_HASH: await hashPassword(password, crypto.getRandomValues(new Uint8Array(16))),
    };
    await using target = await startTarget({ env });
    const at = { port: target.port, from: "127.66.0.1" };
    const logIn = async (typed: string, marks = "") => {
      const form = await request(at, "/admin/login", { headers: { Cookie: marks } });
      const [, token = ""] = /name="token" value="([^"]+)"/.exec(form.body) ?? [];
      const [device = ""] = (form.headers["set-cookie"] ?? "").split(";");
      const body = new URLSearchParams({ token, password: typed }).toString();
      const headers = {
        Cookie: [device, marks].filter(Boolean).join("; "),
        "Content-Type": "application/x-www-form-urlencoded",
      };
      return await request(at, "/admin/login", { method: "POST", headers, body });
    };
    const first = await logIn(password);
    findings.atMost("first log-in", first.status, 303);
    // The helper keeps the last cookie of an answer: the mark of this browser.
    const [mark = ""] = first.headers["set-cookie"]!.split(";");
    const guesses = await Promise.all(Array.from({ length: 8 }, () => logIn("guess")));
    findings.note("guesses", guesses.map(({ status }) => status));
    findings.atLeast("right password without the mark", (await logIn(password)).status, 429);
    findings.atMost("right password in the operator's browser", (await logIn(password, mark)).status, 303);
  },
);

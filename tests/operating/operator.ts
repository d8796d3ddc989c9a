/** An operator of a built server, as a browser: forms over HTTP. */
import { assertEquals } from "@std/assert";
import { PASSWORD, PASSWORD_HASH } from "../server/operators.ts";

/** The settings of a server with this operator. */
export const OPERATED = { FESTIVAL_ADMIN_PASSWORD_HASH: PASSWORD_HASH };

/** Logs in. The result posts a form of a page with these fields, and returns the answer. */
export async function logIn(url: string): Promise<(path: string, fields: Record<string, string>) => Promise<Response>> {
  const cookies = new Map<string, string>();
  const ask = async (path: string, init: RequestInit = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const response = await fetch(url + path, {
      ...init,
      headers: { ...cookie !== "" && { cookie }, origin: url },
      redirect: "manual",
    });
    for (const set of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)!;
      cookies.set(name!, value!);
    }
    return response;
  };
  const post = async (path: string, fields: Record<string, string>) => {
    const page = await (await ask(path)).text();
    const token = /name="token" value="([^"]+)"/.exec(page)![1]!;
    return await ask(path, { method: "POST", body: new URLSearchParams({ token, ...fields }) });
  };
  const entered = await post("/admin/login", { password: PASSWORD });
  await entered.body?.cancel();
  assertEquals([entered.status, entered.headers.get("location")], [303, "/admin"]);
  return post;
}

// Draws the part of an operator's page that is live anew, every few seconds, while somebody looks at it.
const REFRESH_MS = 4_000;
const BUSY = ["input", "textarea", "select", "button", "a"].flatMap((name) => [`${name}:focus`, `${name}:active`]);

const isStale = (stale) => document.querySelector("[data-stale]")?.toggleAttribute("hidden", !stale);

setInterval(async () => {
  const live = document.querySelector("[data-live]");
  if (document.visibilityState !== "visible" || !live || live.querySelector(BUSY.join())) return;
  try {
    const answer = await fetch(location.pathname, { redirect: "manual", headers: { "x-refresh": "1" } });
    // Logged out: the page for that is where the server would have led.
    if (answer.type === "opaqueredirect") return location.reload();
    isStale(!answer.ok);
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
    if (fresh && !live.querySelector(BUSY.join())) live.replaceChildren(...fresh.childNodes);
  } catch {
    isStale(true); // No network: what is shown stays, and the next time may work.
  }
}, REFRESH_MS);

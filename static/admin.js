// Draws what is live on an operator's page anew, every few seconds, while somebody looks at it.
const REFRESH_MS = 4_000;

setInterval(async () => {
  const live = document.querySelector("[data-live]");
  const writes = live?.querySelector("input:focus, textarea:focus, select:focus, button:focus, a:focus");
  if (document.visibilityState !== "visible" || !live || writes) return;
  try {
    const answer = await fetch(location.href, { redirect: "error" });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-live]");
    if (fresh) live.replaceChildren(...fresh.childNodes);
  } catch {
    // No network: what is shown stays, and the next time may work.
  }
}, REFRESH_MS);

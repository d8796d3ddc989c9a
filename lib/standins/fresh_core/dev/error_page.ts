/** A page for developers that says what failed and reloads when the server is back. Works under any CSP. */
export function errorPage(title: string, reason: string, reloadScript: string): Response {
  const html = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(title)}</title>
<style>body{font:16px/1.5 system-ui,sans-serif;margin:2rem;color-scheme:light dark}pre{white-space:pre-wrap}</style>
</head>
<body><h1>${escapeHtml(title)}</h1><pre>${escapeHtml(reason)}</pre>
<script type="module" src="${escapeHtml(reloadScript)}"></script></body>
</html>
`;
  return new Response(html, {
    status: 500,
    headers: { "Content-Type": "text/html; charset=utf-8" },
  });
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}

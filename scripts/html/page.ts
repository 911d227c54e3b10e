/** The frame of a page, and text that is safe in it. */

/** Nothing in the text is markup. */
export const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const STYLE =
  `body{max-width:60rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif;color:#222}
h1,h2,h3{line-height:1.2}code,pre{font-family:ui-monospace,monospace;font-size:.9em}
pre{background:#f4f4f4;padding:.7rem 1rem;overflow-x:auto}code{background:#f4f4f4}pre code{background:none}
table{border-collapse:collapse;display:block;overflow-x:auto}td,th{border:1px solid #ccc;padding:.3rem .6rem;text-align:left;vertical-align:top}
dt{font-weight:600;margin-top:.6rem}dd{margin-left:1.5rem}img{max-width:100%}a{color:#0645ad}
@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}code,pre{background:#262626}a{color:#8ab4f8}td,th{border-color:#444}}`;

/** `home` is the way to the index from this page. */
export function framed(title: string, body: string, home: string): string {
  return `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
<nav><a href="${home}">nvme-stas</a></nav>
${body.trim()}
</html>
`;
}

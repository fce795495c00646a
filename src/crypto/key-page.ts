/**
 * A key as one printable HTML page: the text to copy, and the same text as a QR code to scan. No scripts, nothing
 * loaded from anywhere: it can be opened on a machine without network in twenty years.
 */

/**
 * Starts with '<!doctype html>' and ends with '</html>' and a newline; the only textarea holds `keyText` (a whole key
 * file). Loads the QR encoder on first use.
 */
export async function keyPage(keyText: string, repositoryId: string): Promise<string> {
  const { encodeQR } = await import('qr')
  // A key file is some 550 to 830 bytes: at this level a quarter of the symbol may be lost. Scanners want that border.
  const code = encodeQR(keyText, 'svg', { ecc: 'quartile', encoding: 'byte', border: 4 })
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>borg key ${escaped(repositoryId)}</title>
<style>
body { font: 12pt/1.4 sans-serif; margin: 2em; max-width: 18cm }
textarea { display: block; width: 100%; height: 16em; font: 9pt/1.3 monospace; border: 1px solid }
svg { display: block; width: 11cm; height: 11cm; margin: 1em auto; background: white }
@media print { body { margin: 0 } textarea { page-break-inside: avoid } svg { page-break-inside: avoid } }
</style>
</head>
<body>
<h1>Key backup</h1>
<p>This page holds the key of the backup repository with the id <code>${escaped(repositoryId)}</code>.
Whoever has it still needs the passphrase, which is not written here. Print it and keep it away from the repository.</p>
<p>To restore the key, save the text below (or what the code says when scanned) as a file, without changes, and run
<code>borg key import REPOSITORY FILE</code>.</p>
${code}
<textarea readonly rows="16" cols="76">
${escaped(keyText)}</textarea>
</body>
</html>
`
}

/** Key texts are plain base64, but what a repository hands out as its key may be anything. */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

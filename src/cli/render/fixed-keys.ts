/**
 * Keys that every --format knows: characters that are hard to type.
 */
export const fixedKeys: Readonly<Record<string, string>> = {
  NEWLINE: '\n',
  NL: '\n',
  LF: '\n',
  CR: '\r',
  TAB: '\t',
  SPACE: ' ',
  NUL: '\0',
}

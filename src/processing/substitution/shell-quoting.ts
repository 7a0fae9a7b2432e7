/** Where in a shell command a reference stands: decides how its expansion has to be written. */
export type Quoting = 'bare' | 'double' | 'single' | 'ansi' | 'here' | 'arithmetic';

const HARMLESS = /^[A-Za-z0-9_@%+=:,./-]+$/;

/** A value as a reader of the recorded command would have typed it at this place. Shown only, never executed. */
export function shownIn(quoting: Quoting, text: string): string {
  switch (quoting) {
    case 'bare':
      return HARMLESS.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
    case 'double':
      return text.replace(/["$`]/g, '\\$&');
    case 'single':
      return text.replaceAll("'", `'\\''`);
    case 'ansi':
      return text.replaceAll("'", "\\'");
    case 'here':
    case 'arithmetic':
      return text;
  }
}

/** The expansion of a variable, written so that it stays one word at this place. */
export function expansionIn(quoting: Quoting, expansion: string): string {
  switch (quoting) {
    case 'bare':
      return `"${expansion}"`;
    case 'single':
      return `'"${expansion}"'`;
    case 'ansi':
      return `'"${expansion}"$'`;
    case 'double':
    case 'here':
    case 'arithmetic':
      return expansion;
  }
}

const QUOTE = 0x27;
const QUOTED_QUOTE = Buffer.from(`'\\''`);

/**
 * Any bytes but NUL as one single-quoted shell word. Single quotes are the one quoting in which nothing at all is
 * special, so the quote itself is the only byte to care for.
 */
export function singleQuoted(bytes: Uint8Array): Buffer {
  const parts: Uint8Array[] = [Buffer.of(QUOTE)];
  let last = 0;
  for (let at = bytes.indexOf(QUOTE); at !== -1; at = bytes.indexOf(QUOTE, last)) {
    parts.push(bytes.subarray(last, at), QUOTED_QUOTE);
    last = at + 1;
  }
  parts.push(bytes.subarray(last), Buffer.of(QUOTE));
  return Buffer.concat(parts);
}

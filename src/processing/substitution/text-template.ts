import type { Lookup } from './command-rewriter.js';

const REFERENCE = /\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})/g;

/**
 * Fills `$name` and `${name}` into text that no shell reads: a working directory, a destination. Unknown names become
 * empty.
 */
export function fillTemplate(template: string, lookup: Lookup): Buffer {
  const parts: Uint8Array[] = [];
  let last = 0;
  for (const match of template.matchAll(REFERENCE)) {
    const value = lookup(match[1] ?? match[2] ?? '');
    parts.push(Buffer.from(template.slice(last, match.index)));
    if (typeof value === 'object') {
      parts.push(value.bytes);
    }
    last = match.index + match[0].length;
  }
  parts.push(Buffer.from(template.slice(last)));
  return Buffer.concat(parts);
}

/**
 * File names that have broken data systems before: each is legal on a Linux file system, and each must arrive byte for
 * byte (design invariant 11). `hurts` says what it catches. The names hold no extension; the caller adds one.
 */
export interface AwkwardName {
  hurts: string;
  bytes: Buffer;
}

const TEXTS: readonly [hurts: string, text: string][] = [
  ['word splitting', 'sample A  run 1'],
  ['quoting', `it's "quoted"`],
  ['line-based tools', 'two\nlines'],
  ['narrow encodings', 'café 日本 🔬'],
  ['command separators', 'a; touch PWNED'],
  ['command substitution', '$(touch PWNED) `touch PWNED` $HOME'],
  ['option parsers', '-rf'],
  ['escaping itself', 'back\\slash'],
  ['pattern matching', '[x]*?'],
];

export const AWKWARD_NAMES: readonly AwkwardName[] = [
  ...TEXTS.map(([hurts, text]) => ({ hurts, bytes: Buffer.from(text, 'utf8') })),
  { hurts: 'text that is not UTF-8', bytes: Buffer.from([0x6c, 0x61, 0x74, 0x69, 0x6e, 0x31, 0xe9, 0xff]) },
];

/** The name with an extension, as bytes: `withExtension(name, '.h5')`. */
export function withExtension(name: AwkwardName, extension: string): Buffer {
  return Buffer.concat([name.bytes, Buffer.from(extension, 'utf8')]);
}

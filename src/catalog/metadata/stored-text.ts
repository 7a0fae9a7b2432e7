/**
 * Text as both databases can keep it. U+0000 (which JSONB refuses) and lone surrogates (which UTF-8 does not have) are
 * written as U+FDD0 and four more of the code points that Unicode reserves for such inner use, U+FDE0 to U+FDEF, one for
 * each hex digit (so that no pattern finds digits that are not there); U+FDD0 itself likewise. Every other text stays as
 * it is, so equality, order and patterns mean the same on the stored form.
 */
const ESCAPE = '\uFDD0';
const ZERO = 0xfde0;

// The `u` flag makes `\p{Cs}` match lone surrogates only, not the halves of a pair.

const NEEDS_ESCAPE = /[\u0000\uFDD0]|\p{Cs}/gu;
const ESCAPED = /\uFDD0([\uFDE0-\uFDEF]{4})/g;

export function storedText(text: string): string {
  return text.replace(NEEDS_ESCAPE, escapeUnit);
}

export function originalText(stored: string): string {
  return stored.includes(ESCAPE) ? stored.replace(ESCAPED, (_match, digits: string) => unescapedUnit(digits)) : stored;
}

/**
 * Keys for MongoDB: besides the above, dots and dollars (they are syntax there), a first digit of keys that are numbers
 * (they would address array positions), a leading underscore pair (`__proto__` must never be set by name in a driver),
 * and the empty key.
 */
export function storedMongoKey(key: string): string {
  if (key === '') {
    return ESCAPE;
  }
  const text = storedText(key).replace(/[.$]/g, escapeUnit);
  return /^(?:[0-9]+$|__)/.test(text) ? escapeUnit(text.charAt(0)) + text.slice(1) : text;
}

export function originalMongoKey(stored: string): string {
  return stored === ESCAPE ? '' : originalText(stored);
}

function escapeUnit(unit: string): string {
  const code = unit.charCodeAt(0);
  const digits = [12, 8, 4, 0].map((shift) => ZERO + ((code >> shift) & 0xf));
  return ESCAPE + String.fromCharCode(...digits);
}

function unescapedUnit(digits: string): string {
  const code = Array.from(digits).reduce((sum, digit) => sum * 16 + digit.charCodeAt(0) - ZERO, 0);
  return String.fromCharCode(code);
}

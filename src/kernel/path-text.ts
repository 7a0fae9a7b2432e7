import { strictUtf8, utf8SequenceLength } from './utf8.js';

const NEEDS_ESCAPE = /[\u0000-\u001f\u007f\u0080-\u009f\\]/;

/**
 * The one text form of a path (design invariant 11). On disk a name is bytes; everywhere that text is needed (API, CLI,
 * catalog, manifest, logs) it is written so: valid UTF-8 as it is, but each control character, DEL, backslash and each
 * byte that is not part of valid UTF-8 as `\xHH` (backslash itself as `\\`). The form is reversible and always a single
 * line, so a name can neither break a table nor a terminal.
 */
export function pathToText(bytes: Uint8Array): string {
  try {
    const text = strictUtf8.decode(bytes);
    return NEEDS_ESCAPE.test(text) ? escapeText(text) : text;
  } catch {
    return escapeBytes(bytes);
  }
}

/** @throws RangeError when `text` holds an escape that this form does not know. */
export function textToPath(text: string): Buffer {
  if (!text.includes('\\')) {
    return Buffer.from(text, 'utf8');
  }
  const parts: Buffer[] = [];
  let last = 0;
  for (let at = text.indexOf('\\'); at !== -1; at = text.indexOf('\\', last)) {
    parts.push(Buffer.from(text.slice(last, at), 'utf8'));
    if (text[at + 1] === '\\') {
      parts.push(Buffer.of(0x5c));
      last = at + 2;
      continue;
    }
    const hex = /^x([0-9a-fA-F]{2})/.exec(text.slice(at + 1, at + 4));
    if (hex?.[1] === undefined) {
      throw new RangeError(
        `A backslash in a path is written \\\\, a raw byte \\xHH; at character ${at} it is neither.`,
      );
    }
    parts.push(Buffer.of(parseInt(hex[1], 16)));
    last = at + 4;
  }
  parts.push(Buffer.from(text.slice(last), 'utf8'));
  return Buffer.concat(parts);
}

function escapeText(text: string): string {
  let out = '';
  for (const char of text) {
    if (char === '\\') {
      out += '\\\\';
    } else if (NEEDS_ESCAPE.test(char)) {
      out += escapeRaw(Buffer.from(char, 'utf8'));
    } else {
      out += char;
    }
  }
  return out;
}

function escapeRaw(bytes: Uint8Array): string {
  let out = '';
  for (const byte of bytes) {
    out += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return out;
}

function escapeBytes(bytes: Uint8Array): string {
  let out = '';
  let at = 0;
  while (at < bytes.length) {
    const length = utf8SequenceLength(bytes, at);
    if (length === 0) {
      out += escapeRaw(bytes.subarray(at, at + 1));
      at += 1;
    } else {
      out += escapeText(strictUtf8.decode(bytes.subarray(at, at + length)));
      at += length;
    }
  }
  return out;
}

import { strictUtf8, utf8SequenceLength } from '../../kernel/utf8.js';
const FIRST_ESCAPE = 0xdc00;

/**
 * Output as text for matching: UTF-8, and each byte that is not part of valid UTF-8 as one lone surrogate
 * U+DC80…U+DCFF, as Python's `surrogateescape` does. A pattern then sees a damaged file name as characters, and what it
 * captures turns back into the very bytes that were printed.
 */
export function reversibleText(bytes: Uint8Array): string {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return decodeDamaged(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }
}

export function textToBytes(text: string): Buffer {
  if (text.isWellFormed()) {
    return Buffer.from(text, 'utf8');
  }
  const parts: Uint8Array[] = [];
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    parts.push(
      code >= FIRST_ESCAPE + 0x80 && code <= FIRST_ESCAPE + 0xff ? Buffer.of(code - FIRST_ESCAPE) : Buffer.from(char),
    );
  }
  return Buffer.concat(parts);
}

/** Line by line, so that one bad byte in a long output costs one slow line. */
function decodeDamaged(bytes: Buffer): string {
  let text = '';
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline + 1;
    text += decodeLine(bytes.subarray(start, end));
    start = end;
  }
  return text;
}

function decodeLine(line: Buffer): string {
  try {
    return strictUtf8.decode(line);
  } catch {
    return decodeByBytes(line);
  }
}

function decodeByBytes(line: Buffer): string {
  let text = '';
  let at = 0;
  while (at < line.length) {
    const length = utf8SequenceLength(line, at);
    text += length === 0 ? String.fromCharCode(FIRST_ESCAPE + (line[at] ?? 0)) : line.toString('utf8', at, at + length);
    at += Math.max(length, 1);
  }
  return text;
}

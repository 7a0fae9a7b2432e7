import { StationError } from '../../../kernel/errors.js';
import { isPlainObject } from '../../../kernel/plain-object.js';

const MOST_KEYS = 10_000;
const LONGEST_KEY = 1024;

export interface ExecutableOutput {
  metadata: Record<string, unknown>;
  /** Lines that are none of `key: value`. */
  ignoredLines: number;
}

/**
 * What an executable reader printed: one JSON object, or lines `key: value`. In lines, numbers, `true`, `false` and `null`
 * become what JSON makes of them, all else is text; a key that comes again makes a list; empty lines and those that
 * begin with `#` are passed over.
 *
 * @throws StationError READER_OUTPUT_INVALID
 */
export function parseExecutableOutput(text: string): ExecutableOutput {
  const trimmed = text.trimStart();
  return trimmed.startsWith('{') || trimmed.startsWith('[') ? parseJson(trimmed) : parseLines(text);
}

function parseJson(text: string): ExecutableOutput {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw invalid(`it begins like JSON and is none: ${(error as Error).message}`);
  }
  if (!isPlainObject(value)) {
    throw invalid('its JSON must be one object, such as {"energy": 12.4}');
  }
  return { metadata: value, ignoredLines: 0 };
}

function parseLines(text: string): ExecutableOutput {
  const found = new Map<string, unknown[]>();
  let ignoredLines = 0;
  for (const line of text.split(/\r?\n/)) {
    const content = line.trim();
    if (content === '' || content.startsWith('#')) {
      continue;
    }
    const colon = content.indexOf(':');
    const key = colon === -1 ? '' : content.slice(0, colon).trim();
    if (key === '' || key.length > LONGEST_KEY) {
      ignoredLines += 1;
      continue;
    }
    const values = found.get(key) ?? [];
    values.push(valueOf(content.slice(colon + 1).trim()));
    found.set(key, values);
    if (found.size > MOST_KEYS) {
      throw invalid(`it has more than ${MOST_KEYS} keys; print what describes the file, not the file`);
    }
  }
  // By definition rather than assignment, so that a key may even be called __proto__.
  const metadata = Object.fromEntries(
    [...found].map(([key, values]) => [key, values.length === 1 ? values[0] : values]),
  );
  return { metadata, ignoredLines };
}

const SCALAR = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)$/;

/** Numbers that JavaScript could not give back as they were written stay text: run 12345678901234567890 is a name. */
function valueOf(text: string): unknown {
  if (!SCALAR.test(text)) {
    return text;
  }
  const value = JSON.parse(text) as unknown;
  const isExact = typeof value !== 'number' || (Number.isFinite(value) && !/^-?\d{16,}$/.test(text));
  return isExact ? value : text;
}

function invalid(reason: string): StationError {
  return new StationError('invalid', 'READER_OUTPUT_INVALID', `its output cannot be used: ${reason}`);
}

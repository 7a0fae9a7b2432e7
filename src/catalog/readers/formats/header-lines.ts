import type { RawTree } from '../metadata-readers.port.js';
import { numberOf, numberOrText } from './numbers.js';
import { newTree } from './reading-draft.js';

/** Lines that are looked at: headers of detectors have some dozens. */
const MOST_LINES = 2000;
const TIME = /^\d{4}[-/]\w{2,3}[-/]\d{2}[T ]\d{2}:\d{2}:\d{2}/;

/**
 * The comment lines that Dectris detectors write into CBF and TIFF headers: `# Exposure_time 0.1 s`,
 * `# Detector: PILATUS 300K`, `# Tau = 383.8e-09 s`. Plain numbers become numbers, a number with a unit
 * `{ value, unit }`, all else stays text. The line that is a time becomes `timestamp`.
 */
export function parseHeaderLines(text: string): RawTree {
  const header = newTree();
  for (const line of text.split(/\r?\n/, MOST_LINES)) {
    const content = /^#\s+(.*\S)\s*$/.exec(line)?.[1];
    if (content === undefined) {
      continue;
    }
    if (TIME.test(content)) {
      header['timestamp'] = content;
      continue;
    }
    const [, key, value] = /^([A-Za-z][\w.-]*)\s*[:=\s]\s*(.*)$/.exec(content) ?? [];
    if (key !== undefined && value !== undefined && value !== '') {
      header[key] = headerValue(value);
    }
  }
  return header;
}

/** `0.1 s` and `12 counts` are quantities; a unit is one word that begins with a letter. */
function headerValue(text: string): unknown {
  const [, number, unit] = /^(\S+)\s+([A-Za-z%°µ][^\s,()]*)$/.exec(text) ?? [];
  const value = number === undefined ? undefined : numberOf(number);
  return value === undefined ? numberOrText(text) : { value, unit: (unit ?? '').replace(/\.$/, '') };
}

import type { FileFormat } from '../metadata-readers.port.js';
import type { FileSource } from './file-source.js';
import { findSignature } from './hdf5/signature.js';

/** Enough for every signature but HDF5's, which may come behind a user block of any size. */
const HEAD_BYTES = 4096;
/** A larger one is called `.json`, or is data. */
const MOST_NAMELESS_JSON_BYTES = 1_048_576;
const XDR_13 = 0x3fa66666;
const XDR_14 = 0x3fb33333;

/**
 * What the file is, by its content; its name decides only about text without a signature (JSON and YAML).
 *
 * @param name Of which the extension counts.
 */
export function detectFormat(source: FileSource, name: string): FileFormat | null {
  const head = source.read(0, HEAD_BYTES);
  if (isTiff(head)) {
    return 'tiff';
  }
  if (isMda(head)) {
    return 'mda';
  }
  if (findSignature(source) !== undefined) {
    return 'hdf5';
  }
  return textFormat(source, head.toString('latin1'), name);
}

function textFormat(source: FileSource, head: string, name: string): FileFormat | null {
  if (head.startsWith('###CBF')) {
    return 'cbf';
  }
  if (/^\s*#(?:F |S \s*\d)/.test(head)) {
    return 'spec';
  }
  if (/^\s*\{[^{}"]*?[\w.~ -]+=[^;{}]*;/.test(head)) {
    return 'edf';
  }
  const extension = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase();
  if (extension === 'json' || isJson(source, head)) {
    return 'json';
  }
  return extension === 'yaml' || extension === 'yml' ? 'yaml' : null;
}

/** Whether a file of another name is JSON: braces begin many texts, so all of it must be JSON. */
function isJson(source: FileSource, head: string): boolean {
  if (source.size > MOST_NAMELESS_JSON_BYTES || !/^(?:\xef\xbb\xbf)?\s*(?:\{\s*["}]|\[\s*[[{"\]\d-])/.test(head)) {
    return false;
  }
  try {
    JSON.parse(source.text());
    return true;
  } catch {
    return false;
  }
}

function isTiff(head: Buffer): boolean {
  const order = head.toString('latin1', 0, 2);
  if (head.length < 8 || (order !== 'II' && order !== 'MM')) {
    return false;
  }
  const version = order === 'II' ? head.readUInt16LE(2) : head.readUInt16BE(2);
  return version === 42 || version === 43;
}

/** An EPICS sscan file begins with its version as a 32-bit float, which alone could be chance: rank and size follow. */
function isMda(head: Buffer): boolean {
  if (head.length < 12) {
    return false;
  }
  const version = head.readUInt32BE(0);
  const rank = head.readUInt32BE(8);
  return (version === XDR_13 || version === XDR_14) && rank >= 1 && rank <= 16;
}

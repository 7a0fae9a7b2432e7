import type { Metadata } from '../catalog-file.js';
import { metadataInvalid } from '../catalog.errors.js';
import { isList, plainNumber } from './plain-number.js';

/** MongoDB nests documents 100 levels deep at most, and ours begin below two of its levels. */
export const MAX_METADATA_DEPTH = 64;
/** A quarter of MongoDB's limit of 16 MiB for a document: escaped and with keys repeated it must still fit. */
export const MAX_METADATA_BYTES = 4 * 1024 * 1024;

/**
 * Makes plain JSON of what metadata readers and people hand in. What JSON has no word for becomes text rather than
 * being lost: NaN and the infinities (`"NaN"`), integers beyond 2^53. Dates become RFC 3339; `undefined` goes.
 *
 * @throws StationError CATALOG_METADATA_INVALID for anything too deep, too large, or that is no data (functions).
 */
export function normaliseMetadata(metadata: Metadata): Metadata {
  const plain = plainObject(metadata, 1);
  const bytes = Buffer.byteLength(JSON.stringify(plain));
  if (bytes > MAX_METADATA_BYTES) {
    throw metadataInvalid(
      `The metadata of one file takes ${bytes} bytes; at most ${MAX_METADATA_BYTES} fit. Store large values as a file.`,
      { bytes, maxBytes: MAX_METADATA_BYTES },
    );
  }
  return plain;
}

function plainObject(value: object, depth: number): Metadata {
  if (depth > MAX_METADATA_DEPTH) {
    throw metadataInvalid(`The metadata is nested more than ${MAX_METADATA_DEPTH} levels deep.`);
  }
  const entries: [string, unknown][] = [];
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) {
      entries.push([key, plainValue(item, depth + 1)]);
    }
  }
  return Object.fromEntries(entries);
}

function plainValue(value: unknown, depth: number): unknown {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
    case 'bigint':
      return plainNumber(value);
    case 'undefined':
      return null;
    case 'object':
      return value === null ? null : plainStructure(value, depth);
    default:
      throw metadataInvalid(`Metadata holds JSON values; this one is a ${typeof value}.`);
  }
}

function plainStructure(value: object, depth: number): unknown {
  if (value instanceof Date) {
    return Number.isNaN(value.getTime()) ? null : value.toISOString();
  }
  if (isList(value)) {
    if (depth > MAX_METADATA_DEPTH) {
      throw metadataInvalid(`The metadata is nested more than ${MAX_METADATA_DEPTH} levels deep.`);
    }
    return Array.from(value, (element) => plainValue(element, depth + 1));
  }
  return plainObject(value, depth);
}

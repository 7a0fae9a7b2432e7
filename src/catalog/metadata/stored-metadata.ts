import type { Metadata } from '../catalog-file.js';
import { originalMongoKey, originalText, storedMongoKey, storedText } from './stored-text.js';

/** How an adapter writes keys and texts. The functions of a pair are inverse. */
export interface MetadataForm {
  storedKey(key: string): string;
  originalKey(stored: string): string;
}

export const JSONB_FORM: MetadataForm = { storedKey: storedText, originalKey: originalText };
export const MONGO_FORM: MetadataForm = { storedKey: storedMongoKey, originalKey: originalMongoKey };

export function toStored(metadata: Metadata, form: MetadataForm): Metadata {
  return mapTree(metadata, form.storedKey, storedText) as Metadata;
}

export function fromStored(stored: Metadata, form: MetadataForm): Metadata {
  return mapTree(stored, form.originalKey, originalText) as Metadata;
}

function mapTree(value: unknown, key: (key: string) => string, text: (text: string) => string): unknown {
  if (typeof value === 'string') {
    return text(value);
  }
  if (Array.isArray(value)) {
    return value.map((element) => mapTree(element, key, text));
  }
  if (typeof value === 'object' && value !== null) {
    // fromEntries defines properties, so that a key `__proto__` is a key like any other.
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [key(name), mapTree(item, key, text)]));
  }
  return value;
}

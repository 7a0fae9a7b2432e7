import { isPlainObject } from '../../kernel/plain-object.js';
import type { Metadata } from '../catalog-file.js';

/**
 * JSON Merge Patch (RFC 7396): objects merge key by key at every level, `null` removes a key, anything else replaces.
 * (An explicit null can therefore not be patched in.) Returns a new object; the arguments stay as they are.
 */
export function mergePatch(target: Metadata, patch: Metadata): Metadata {
  const merged = new Map<string, unknown>(Object.entries(target));
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) {
      merged.delete(key);
    } else if (isPlainObject(change)) {
      const present = merged.get(key);
      merged.set(key, mergePatch(isPlainObject(present) ? present : {}, change));
    } else {
      merged.set(key, change);
    }
  }
  return Object.fromEntries(merged);
}

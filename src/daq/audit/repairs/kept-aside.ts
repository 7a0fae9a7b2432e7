import { joinBytes } from '../../../kernel/path-bytes.js';
import { KEPT_ASIDE } from '../../system-places.js';

/** Where a damaged copy is kept when a good one takes its place. */
export function damagedPlace(findingId: string, place: Uint8Array): Buffer {
  return joinBytes(KEPT_ASIDE, Buffer.from(`damaged/${findingId}`), place);
}

/** Where a dark file goes that nobody wants. */
export function trashPlace(findingId: string, place: Uint8Array): Buffer {
  return joinBytes(KEPT_ASIDE, Buffer.from(`trash/${findingId}`), place);
}

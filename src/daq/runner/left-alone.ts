import type { Acquisition } from '../acquisitions/acquisition.js';
import type { ScannedFile } from '../source/source-tree.port.js';

/**
 * How far the clock of a source may be off that could not be asked, in ms. A file of that age is taken rather than left:
 * one too many does no harm.
 */
const UNKNOWN_CLOCK_MS = 300_000;

/** When the acquisition began, in ns by the clock of its source. */
export function startOf({ sourceClockNs, createdAt }: Pick<Acquisition, 'sourceClockNs' | 'createdAt'>): bigint {
  return sourceClockNs ?? BigInt(createdAt.getTime() - UNKNOWN_CLOCK_MS) * 1_000_000n;
}

/**
 * In the first pass of a monitor without processExisting: what was last touched before the start, by the clock of the
 * file system that stamped it, is left alone.
 */
export function leftAloneBy(acquisition: Acquisition): (file: ScannedFile) => boolean {
  if (!acquisition.ignoresExisting) {
    return () => false;
  }
  const startNs = startOf(acquisition);
  return (file) => file.ctimeNs < startNs;
}

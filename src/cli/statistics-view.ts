import type { Statistics } from './api-types.js';
import { formatBytes, formatCount } from './format.js';
import { facts } from './table.js';

export function statisticsText(statistics: Statistics): string {
  const size = (bytes: number | null) => (bytes === null ? '' : `${formatBytes(bytes)} (${formatCount(bytes)} bytes)`);
  return facts([
    ['files', formatCount(statistics.countFiles)],
    ['total', size(statistics.totalBytes)],
    ['mean', size(statistics.meanBytes)],
    ['smallest', size(statistics.minBytes)],
    ['largest', size(statistics.maxBytes)],
    ['deviation', size(statistics.standardDeviationBytes)],
  ]);
}

import { hostOf } from '../acquisitions/source-addresses.js';
import type { SourceTrees } from '../source/source-tree.port.js';
import type { DueRemoval } from './source-removal.repository.js';

/** The source tree of the acquisition that brought the file; it asks in a thread of its own, or its host, within a time limit. */
export function visitedSource(sources: SourceTrees, due: DueRemoval): ReturnType<SourceTrees['visit']> {
  const { directory, isJobResult } = due.source;
  return sources.visit({ location: { host: hostOf(due.sourceHost), directory }, isJobResult });
}

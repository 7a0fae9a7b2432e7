import type { SourceTrees } from '../source/source-tree.port.js';
import type { DueRemoval } from './source-removal.repository.js';

/** The source tree of the acquisition that brought the file; it asks in a thread of its own, within a time limit. */
export function visitedSource(sources: SourceTrees, { source }: DueRemoval): ReturnType<SourceTrees['visit']> {
  return sources.visit({ location: { host: null, directory: source.directory }, isJobResult: source.isJobResult });
}

import type { mongo } from 'mongoose';
import type { FileCollection } from './file-collections.js';
import type { FileDocument } from './file-document.js';

/**
 * Updates of one command. FerretDB keeps a database connection for each of them until the command ends and has a hundred
 * for all its clients: with as many updates under way it stands still for ever. MongoDB does not mind small ones.
 */
const UPDATES_AT_ONCE = 16;

export interface DocumentUpdate {
  filter: mongo.Filter<FileDocument>;
  update: mongo.UpdateFilter<FileDocument>;
}

/** Does them in their order, each for itself. @returns how many found their document. */
export async function updateEach(collection: FileCollection, updates: readonly DocumentUpdate[]): Promise<number> {
  let matched = 0;
  for (let start = 0; start < updates.length; start += UPDATES_AT_ONCE) {
    const part = updates.slice(start, start + UPDATES_AT_ONCE).map((updateOne) => ({ updateOne }));
    matched += (await collection.bulkWrite(part, { ordered: false })).matchedCount;
  }
  return matched;
}

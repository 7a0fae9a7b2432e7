import type { FileQuery } from '../file-catalog.port.js';
import type { FilePosition, FileSort } from '../file-sort.js';
import { filterToMongo, type MongoFilter } from '../filter/filter-to-mongo.js';
import type { FileCollection } from './file-collections.js';
import { type FileDocument, objectIdOf } from './file-document.js';

/**
 * The next `count` documents of an order. For "latest versions only" it reads candidates in that order and drops those
 * that a later version exists of, until there are enough: a join would need more of the server than every one has.
 */
export async function nextDocuments(
  collection: FileCollection,
  query: FileQuery,
  sort: FileSort,
  after: FilePosition | undefined,
  options: { count: number; timeLimitMs: number },
): Promise<FileDocument[]> {
  const deadline = performance.now() + options.timeLimitMs;
  const remainingMs = () => Math.max(1, Math.ceil(deadline - performance.now()));
  const found: FileDocument[] = [];
  let position = after;
  for (;;) {
    const candidates = await collection
      .find(pageFilter(query, sort, position))
      .sort(order(sort))
      .limit(options.count)
      .maxTimeMS(remainingMs())
      .toArray();
    found.push(...(query.latestOnly === true ? await latestOf(collection, candidates, remainingMs()) : candidates));
    const last = candidates.at(-1);
    if (last === undefined || candidates.length < options.count || found.length >= options.count) {
      return found.slice(0, options.count);
    }
    position = { value: positionValue(last, sort), id: last._id.toHexString() };
  }
}

async function latestOf(
  collection: FileCollection,
  candidates: readonly FileDocument[],
  timeLimitMs: number,
): Promise<FileDocument[]> {
  const hashes = [...new Set(candidates.map((candidate) => candidate.pathHash))];
  const versions = await collection
    .find({ pathHash: { $in: hashes } }, { projection: { _id: 0, pathHash: 1, version: 1 } })
    .maxTimeMS(timeLimitMs)
    .toArray();
  const latest = new Map<string, number>();
  for (const { pathHash, version } of versions) {
    latest.set(pathHash, Math.max(version, latest.get(pathHash) ?? 0));
  }
  return candidates.filter(({ pathHash, version }) => version >= (latest.get(pathHash) ?? 0));
}

function pageFilter(query: FileQuery, sort: FileSort, after: FilePosition | undefined): MongoFilter {
  const filter = query.filter === undefined ? {} : filterToMongo(query.filter);
  if (after === undefined) {
    return filter;
  }
  const [strictly, orEqual] = sort.descending ? ['$lt', '$lte'] : ['$gt', '$gte'];
  return {
    $and: [
      // Says the same as the next line, roughly, but in a form that bounds the scan of the index.
      { [sort.field]: { [orEqual]: after.value } },
      { $or: [{ [sort.field]: { [strictly]: after.value } }, { _id: { [strictly]: objectIdOf(after.id) } }] },
      filter,
    ],
  };
}

function order(sort: FileSort): [string, 1 | -1][] {
  const direction = sort.descending ? -1 : 1;
  return [
    [sort.field, direction],
    ['_id', direction],
  ];
}

function positionValue(document: FileDocument, sort: FileSort): string | number | Date {
  const value = document[sort.field];
  return typeof value === 'bigint' ? Number(value) : value;
}

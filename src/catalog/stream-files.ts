import type { CatalogFile } from './catalog-file.js';
import type { FileCatalog, FileQuery } from './file-catalog.port.js';

/** Large enough that the pages' overhead does not show, small enough that a stream holds little memory. */
const PAGE = 500;

/**
 * All files that match, page by page: no cursor stays open on the server while a slow reader reads, and each page has
 * the time limit for itself. Files that are added meanwhile may or may not appear; none appears twice.
 */
export async function* streamFiles(
  catalog: FileCatalog,
  experimentId: number,
  query: Omit<FileQuery, 'limit'>,
): AsyncGenerator<CatalogFile> {
  let cursor = query.cursor;
  do {
    const page = await catalog.query(experimentId, { ...query, limit: PAGE, cursor });
    yield* page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

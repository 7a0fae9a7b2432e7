import { SYSTEM_PRINCIPAL } from '../../auth/index.js';
import type { CatalogFile, CatalogService } from '../../catalog/index.js';
import { StationError } from '../../kernel/errors.js';

/** The document as it is now; undefined when there is none. */
export function documentNow(
  catalog: CatalogService,
  experimentId: number,
  id: string,
): Promise<CatalogFile | undefined> {
  return unlessGone(() => catalog.get(SYSTEM_PRINCIPAL, experimentId, id));
}

/** Repeating it is no fault. */
export async function removeDocument(catalog: CatalogService, experimentId: number, id: string): Promise<void> {
  await unlessGone(() => catalog.delete(SYSTEM_PRINCIPAL, experimentId, id));
}

async function unlessGone<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof StationError && error.kind === 'not-found') {
      return undefined;
    }
    throw error;
  }
}

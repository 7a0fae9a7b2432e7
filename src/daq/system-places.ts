/**
 * Where the station keeps things for itself in an experiment, relative to its directory. What lies there is no data: audits
 * pass it by.
 */

/** What repairs take out of the way. Nothing there is ever removed by the station. */
export const KEPT_ASIDE = Buffer.from('system/audit');

/** What people have deleted, as long as it can be brought back. */
export const TRASH = Buffer.from('system/trash');

/** Lists of digests for `md5sum -c`. */
export const MANIFESTS = Buffer.from('system/manifests');

export const SYSTEM_PLACES: readonly Buffer[] = [KEPT_ASIDE, TRASH, MANIFESTS];

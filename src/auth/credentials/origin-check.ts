import type { IncomingHttpHeaders } from 'node:http';
import { StationError } from '../../kernel/errors.js';

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Stops pages of other origins from making changes with a user's cookie (or from logging a user in). The cookie's
 * SameSite=Strict does so already; this holds for browsers and same-site neighbours where that is not enough. Requests
 * with an Authorization header are exempt, since no page can add that by itself, and so are clients that are not
 * browsers: every browser says `Origin` with a request that changes something.
 *
 * @throws StationError CROSS_ORIGIN_REQUEST
 */
export function assertOwnOrigin(
  request: { method: string; headers: IncomingHttpHeaders },
  allowedOrigins: readonly string[],
): void {
  const { origin, host, authorization } = request.headers;
  if (SAFE_METHODS.has(request.method) || authorization !== undefined || origin === undefined) {
    return;
  }
  const isOwn = hostOf(origin) === (host ?? '').toLowerCase();
  if (!isOwn && !allowedOrigins.includes(origin)) {
    throw new StationError(
      'forbidden',
      'CROSS_ORIGIN_REQUEST',
      'This change was asked for by a page of another site. An administrator can allow that origin (auth.allowedOrigins).',
      { details: { origin } },
    );
  }
}

/** Null for `null` (sandboxed pages), for nonsense and for what has no host: these match no station. */
function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host || null : null;
}

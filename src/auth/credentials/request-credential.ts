import type { IncomingHttpHeaders } from 'node:http';

export const SESSION_COOKIE = 'dm_session';

/**
 * The secret that a request carries: `Authorization: Bearer …`, else the session cookie, else none. A header that is
 * there but is no bearer token counts as a (worthless) secret, so that the cookie does not silently stand in for it.
 */
export function requestSecret(headers: IncomingHttpHeaders): string | null {
  if (headers.authorization !== undefined) {
    return /^Bearer +(\S+)$/i.exec(headers.authorization.trim())?.[1] ?? '';
  }
  return cookie(headers.cookie ?? '', SESSION_COOKIE);
}

/** The first cookie of that name; clients that send attributes along as if they were cookies do no harm. */
function cookie(header: string, name: string): string | null {
  for (const part of header.split(';')) {
    const at = part.indexOf('=');
    if (at !== -1 && part.slice(0, at).trim() === name) {
      return part.slice(at + 1).trim();
    }
  }
  return null;
}

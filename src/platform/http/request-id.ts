import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

const HEADER = 'x-request-id';
const ACCEPTABLE = /^[A-Za-z0-9._-]{1,64}$/;

/** Takes the caller's X-Request-Id when it is harmless, else makes one; echoes it. For pino-http's `genReqId`. */
export function assignRequestId(request: IncomingMessage, response: ServerResponse): string {
  const given = request.headers[HEADER];
  const id = typeof given === 'string' && ACCEPTABLE.test(given) ? given : randomUUID();
  response.setHeader('X-Request-Id', id);
  return id;
}

/** The request's id; one that was refused before logging saw it (a body that is no JSON) gets its id here. */
export function requestIdOf(request: IncomingMessage, response: ServerResponse): string {
  const { id } = request as IncomingMessage & { id?: unknown };
  if (typeof id === 'string') {
    return id;
  }
  return response.headersSent ? 'unknown' : assignRequestId(request, response);
}

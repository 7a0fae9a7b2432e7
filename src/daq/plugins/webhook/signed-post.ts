import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';
import { StationError } from '../../../kernel/errors.js';

/** What is read of an answer, for the message when it is a refusal. */
const MOST_ANSWER_BYTES = 500;

export interface Message {
  /** The same whenever the same message is sent again. */
  id: string;
  /** JSON. */
  body: string;
}

/**
 * Signs a message as the Standard Webhooks specification says, which receivers have libraries for: HMAC-SHA256 over id,
 * time in seconds and body, with a dot between. The time is that of the sending, so that old messages cannot be replayed.
 */
export function signatureHeaders(message: Message, secret: Uint8Array, nowMs: number): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const signature = createHmac('sha256', secret).update(`${message.id}.${timestamp}.${message.body}`).digest('base64');
  return { 'webhook-id': message.id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}

/**
 * Sends a message. Redirects are not followed: they could lead anywhere.
 *
 * @throws StationError WEBHOOK_REFUSED (the receiver answered, but not 2xx), WEBHOOK_UNREACHABLE, WEBHOOK_NOT_ALLOWED.
 */
export function signedPost(
  url: URL,
  message: Message,
  given: { headers: Record<string, string>; lookup: LookupFunction; signal: AbortSignal },
): Promise<void> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const { lookup, signal } = given;
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(message.body),
    'user-agent': 'dm-station',
    ...given.headers,
  };
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      reject(error instanceof StationError ? error : unreachable(url, signal.aborted ? signal.reason : error));
    };
    const call = request(url, { method: 'POST', headers, lookup, signal, agent: false }, (answer) => {
      const status = answer.statusCode ?? 0;
      let words = '';
      answer.setEncoding('utf8');
      answer.on('data', (text: string) => {
        words = `${words}${text}`.slice(0, MOST_ANSWER_BYTES);
      });
      answer.on('error', fail);
      answer.on('end', () => (status >= 200 && status < 300 ? resolve() : reject(refused(url, status, words))));
    });
    call.on('error', fail);
    call.end(message.body);
  });
}

function refused(url: URL, status: number, words: string): StationError {
  const isMoved = status >= 300 && status < 400;
  const said = words.trim() === '' ? '' : `: ${words.trim()}`;
  const isBusy = status >= 500 || status === 408 || status === 429;
  return new StationError(
    isBusy ? 'unavailable' : 'invalid',
    'WEBHOOK_REFUSED',
    `${url.origin}${url.pathname} answered ${status}${isMoved ? ', a redirect, which is not followed' : said}`,
  );
}

function unreachable(url: URL, error: unknown): StationError {
  const reason = error instanceof Error ? error.message || error.name : String(error);
  return new StationError(
    'unavailable',
    'WEBHOOK_UNREACHABLE',
    `${url.origin}${url.pathname} was not reached: ${reason}`,
  );
}

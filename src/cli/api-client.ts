import { errorOfAnswer, errorOfSilence } from './api-error.js';

export type QueryValue = string | number | boolean | undefined;
export type Query = Record<string, QueryValue>;

export interface ApiClientOptions {
  /** The station's address without a path, such as `http://127.0.0.1:22236`. */
  address: string;
  /** Session or API token, sent as a bearer. */
  token?: string | undefined;
  /** How long one answer may take, in milliseconds. Default 60 000: longer than any time limit of the station itself. */
  timeoutMs?: number;
}

/** A list as every route answers it. */
export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const API = '/api/v1';

/** Builds a path with every inserted value percent-encoded: names of people and of files hold slashes, `?` and `#`. */
export function apiPath(parts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return parts.reduce((path, part, index) => path + encodeURIComponent(values[index - 1] ?? '') + part);
}

/**
 * The station's REST interface, as thin as it can be: JSON in, JSON out, every failure an ApiError whose message a person
 * can act on. The answers' shapes are taken at their word; the station is the one that validates.
 */
export class ApiClient {
  readonly address: string;
  private readonly token: string | undefined;
  private readonly timeoutMs: number;

  constructor(options: ApiClientOptions) {
    this.address = options.address.replace(/\/+$/, '');
    this.token = options.token;
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  get<T>(path: string, query: Query = {}): Promise<T> {
    return this.json<T>('GET', path, { query });
  }

  post<T>(path: string, body: unknown = {}): Promise<T> {
    return this.json<T>('POST', path, { body });
  }

  put<T>(path: string, body: unknown = {}): Promise<T> {
    return this.json<T>('PUT', path, { body });
  }

  patch<T>(path: string, body: unknown): Promise<T> {
    return this.json<T>('PATCH', path, { body });
  }

  delete<T = unknown>(path: string, query: Query = {}): Promise<T> {
    return this.json<T>('DELETE', path, { query });
  }

  /** Items of a list, page after page, until it ends or `most` have come. */
  async *items<Item>(path: string, query: Query = {}, most = Infinity): AsyncGenerator<Item> {
    let cursor: string | undefined;
    let left = most;
    do {
      const limit = Math.min(left, 1000);
      const page: Page<Item> = await this.get(path, { ...query, limit, cursor });
      yield* page.items.slice(0, left);
      left -= page.items.length;
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined && left > 0);
  }

  /** The same, gathered; for lists that are known to be short. */
  async allItems<Item>(path: string, query: Query = {}, most = Infinity): Promise<Item[]> {
    const items: Item[] = [];
    for await (const item of this.items<Item>(path, query, most)) {
      items.push(item);
    }
    return items;
  }

  /** An open answer of unknown length (SSE, NDJSON). The time limit covers the wait for its beginning only. */
  async open(
    path: string,
    options: { query?: Query; headers?: Record<string, string>; signal?: AbortSignal } = {},
  ): Promise<ReadableStream<Uint8Array>> {
    const begun = new AbortController();
    const timer = setTimeout(() => begun.abort(new DOMException('no answer', 'TimeoutError')), this.timeoutMs);
    const signals = options.signal === undefined ? [begun.signal] : [begun.signal, options.signal];
    try {
      const response = await this.fetch('GET', this.urlOf(API + path, options.query), {
        headers: options.headers ?? {},
        signal: AbortSignal.any(signals),
      });
      if (!response.ok || response.body === null) {
        throw errorOfAnswer(response.status, await bodyOf(response), this.address);
      }
      return response.body as ReadableStream<Uint8Array>;
    } finally {
      clearTimeout(timer);
    }
  }

  /** `/health/...` and other routes outside the API; answers the body whatever the status is. */
  async probe(path: string): Promise<{ status: number; body: unknown }> {
    const response = await this.fetch('GET', this.urlOf(path), {
      headers: {},
      signal: AbortSignal.timeout(this.timeoutMs),
    });
    return { status: response.status, body: await bodyOf(response) };
  }

  private async json<T>(method: string, path: string, options: { query?: Query; body?: unknown }): Promise<T> {
    const signal = AbortSignal.timeout(this.timeoutMs);
    const headers: Record<string, string> = { accept: 'application/json' };
    if (options.body !== undefined) {
      headers['content-type'] = 'application/json';
    }
    const payload = options.body === undefined ? undefined : JSON.stringify(options.body);
    const response = await this.fetch(method, this.urlOf(API + path, options.query), {
      headers,
      signal,
      body: payload,
    });
    const body = await this.read(response);
    if (!response.ok) {
      throw errorOfAnswer(response.status, body, this.address);
    }
    if (body === undefined && response.status !== 204 && response.headers.get('content-length') !== '0') {
      throw errorOfAnswer(response.status, undefined, this.address);
    }
    return body as T;
  }

  private async fetch(
    method: string,
    url: URL,
    init: { headers: Record<string, string>; signal: AbortSignal; body?: string | undefined },
  ): Promise<Response> {
    const authorization = this.token === undefined ? {} : { authorization: `Bearer ${this.token}` };
    try {
      return await fetch(url, {
        method,
        headers: { ...init.headers, ...authorization },
        signal: init.signal,
        body: init.body ?? null,
        redirect: 'error', // a redirect would carry the token to somebody else
      });
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') {
        throw error; // the caller's own wish
      }
      throw errorOfSilence(error, this.address, this.timeoutMs);
    }
  }

  private async read(response: Response): Promise<unknown> {
    try {
      return await bodyOf(response);
    } catch (error) {
      throw errorOfSilence(error, this.address, this.timeoutMs);
    }
  }

  private urlOf(path: string, query: Query = {}): URL {
    const url = new URL(this.address + path);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) {
        url.searchParams.set(key, String(value));
      }
    }
    return url;
  }
}

/** The JSON of an answer; `undefined` when it has none. */
async function bodyOf(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

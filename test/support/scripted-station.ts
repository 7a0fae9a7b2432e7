import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readAll } from 'node:stream/consumers';

export interface SeenRequest {
  method: string;
  path: string;
  query: Record<string, string>;
  authorization: string | undefined;
  headers: Record<string, string | string[] | undefined>;
  body: unknown;
}

export interface ScriptedAnswer {
  status?: number;
  body?: unknown;
}

type Script = (request: SeenRequest, response: ServerResponse) => ScriptedAnswer | undefined;

/**
 * A real HTTP server on a free port that answers as a station would, one script per `METHOD /path`; for what a client
 * does with an answer. A script that answers `undefined` writes the response itself.
 */
export class ScriptedStation {
  readonly requests: SeenRequest[] = [];
  private readonly scripts = new Map<string, Script>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<ScriptedStation> {
    const server = createServer();
    const station = new ScriptedStation(server);
    server.on('request', (request, response) => void station.answer(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return station;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  on(route: `${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`, script: Script | ScriptedAnswer): this {
    this.scripts.set(route, typeof script === 'function' ? script : () => script);
    return this;
  }

  /** The only request to a route so far. */
  seen(route: string): SeenRequest {
    const [first, ...more] = this.requests.filter(({ method, path }) => `${method} ${path}` === route);
    if (first === undefined || more.length > 0) {
      throw new Error(
        `expected one ${route}, saw ${this.requests.map(({ method, path }) => `${method} ${path}`).join(', ')}`,
      );
    }
    return first;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.address);
    const payload = await readAll(request);
    const seen: SeenRequest = {
      method: request.method ?? '',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      authorization: request.headers.authorization,
      headers: request.headers,
      body: payload === '' ? undefined : (JSON.parse(payload) as unknown),
    };
    this.requests.push(seen);
    const script =
      this.scripts.get(`${seen.method} ${seen.path}`) ?? (() => problem(404, 'ROUTE_NOT_SCRIPTED', seen.path));
    const answer = script(seen, response);
    if (answer === undefined) {
      return;
    }
    response.writeHead(answer.status ?? (answer.body === undefined ? 204 : 200), {
      'content-type': 'application/json',
    });
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
  }
}

/** An error as the station answers it (RFC 9457). */
export function problem(status: number, code: string, detail: string): ScriptedAnswer {
  return {
    status,
    body: { type: `urn:dm-station:error:${code}`, title: code, status, code, detail, requestId: 'req-1' },
  };
}

export function page(...items: unknown[]): ScriptedAnswer {
  return { body: { items, nextCursor: null } };
}

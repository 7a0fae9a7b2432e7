import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { page, problem, ScriptedStation } from '../../test/support/scripted-station.js';
import { ApiClient, apiPath } from './api-client.js';
import { ApiError } from './api-error.js';
import { EXIT, exitCodeOf } from './exit-codes.js';

describe(apiPath, () => {
  it('encodes what it inserts, so that a name cannot become another path', () => {
    expect(apiPath`/experiments/${'a/../b?c#d'}/files`).toBe('/experiments/a%2F..%2Fb%3Fc%23d/files');
  });
});

describe(ApiClient, () => {
  let station: ScriptedStation;
  let client: ApiClient;

  beforeEach(async () => {
    station = await ScriptedStation.start();
    client = new ApiClient({ address: `${station.address}/`, token: 'tok', timeoutMs: 300 });
  });
  afterEach(() => station.stop());

  const failureOf = async (call: Promise<unknown>): Promise<ApiError> => {
    const error: unknown = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof ApiError)) {
      throw new Error(`expected an ApiError, got ${String(error)}`);
    }
    return error;
  };

  it('sends its token, and JSON where there is a body', async () => {
    station.on('POST /api/v1/jobs', { status: 201, body: { id: '1' } });
    expect(await client.post('/jobs', { a: 1 })).toEqual({ id: '1' });
    expect(station.seen('POST /api/v1/jobs')).toMatchObject({ authorization: 'Bearer tok', body: { a: 1 } });
  });

  it('takes an answer without content', async () => {
    station.on('DELETE /api/v1/tokens/3', { status: 204 });
    expect(await client.delete('/tokens/3')).toBeUndefined();
  });

  it('follows cursors until the list ends or enough has come', async () => {
    station.on('GET /api/v1/users', ({ query }) => {
      const from = Number(query['cursor'] ?? 0);
      return { body: { items: [from, from + 1], nextCursor: from < 4 ? String(from + 2) : null } };
    });
    expect(await client.allItems('/users')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(await client.allItems('/users', {}, 3)).toEqual([0, 1, 2]);
  });

  it('ends a list that has no items', async () => {
    station.on('GET /api/v1/users', page());
    expect(await client.allItems('/users')).toEqual([]);
  });

  it.each([
    [422, EXIT.invalid],
    [401, EXIT.unauthenticated],
    [403, EXIT.forbidden],
    [404, EXIT.notFound],
    [409, EXIT.conflict],
    [413, EXIT.tooLarge],
    [429, EXIT.tooMany],
    [500, EXIT.internal],
    [503, EXIT.unavailable],
    [504, EXIT.timeout],
  ])('turns status %d into exit code %d, with code, sentence and request id', async (status, exitCode) => {
    station.on('GET /api/v1/station', problem(status, 'SOME_CODE', 'Do this.'));
    const error = await failureOf(client.get('/station'));
    expect(error).toMatchObject({ code: 'SOME_CODE', message: 'Do this.', status, requestId: 'req-1' });
    expect(exitCodeOf(error)).toBe(exitCode);
  });

  it('says that somebody else answers at this address', async () => {
    station.on('GET /api/v1/station', (_, response) => {
      response.end('<html>hello</html>');
      return undefined;
    });
    expect(await failureOf(client.get('/station'))).toMatchObject({ code: 'NOT_A_STATION' });
  });

  it('does not carry its token to where a redirect points', async () => {
    station.on('GET /api/v1/station', (_, response) => {
      response.writeHead(302, { location: '/elsewhere' }).end();
      return undefined;
    });
    await failureOf(client.get('/station'));
    expect(station.requests.map(({ path }) => path)).toEqual(['/api/v1/station']);
  });

  it('says what to do when the station is down', async () => {
    const { address } = station;
    await station.stop();
    const error = await failureOf(new ApiClient({ address }).get('/station'));
    expect(error.message).toMatch(/No station answers at .*connection refused.*npm start.*DM_URL/);
    expect(exitCodeOf(error)).toBe(EXIT.unavailable);
    station = await ScriptedStation.start();
  });

  it('gives up on a station that accepts and never answers', async () => {
    const silent = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as AddressInfo;
    const error = await failureOf(
      new ApiClient({ address: `http://127.0.0.1:${port}`, timeoutMs: 100 }).get('/station'),
    );
    expect(error.code).toBe('STATION_TIMEOUT');
    expect(exitCodeOf(error)).toBe(EXIT.timeout);
    silent.close();
  });
});

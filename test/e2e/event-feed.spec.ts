import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ApiClient } from '../../src/cli/api-client.js';
import type { LoginAnswer } from '../../src/cli/api-types.js';
import { aStation } from '../support/station.js';

interface FeedEvent {
  id: number;
  type: string;
  experimentId: number | null;
  data: Record<string, unknown>;
}

const PASSWORD = 'monochromator-at-dawn-3';

describe('the event feed, health and metrics from outside', () => {
  const station = aStation();

  /** Reads the feed until `isEnough`; `after`: resumes behind that event, as a browser does. */
  async function read(token: string, after: number, isEnough: (events: FeedEvent[]) => boolean): Promise<FeedEvent[]> {
    const stopped = new AbortController();
    const answer = await fetch(`${station().process.url}/api/v1/events`, {
      headers: { authorization: `Bearer ${token}`, 'last-event-id': String(after) },
      signal: stopped.signal,
    });
    expect(answer.headers.get('content-type')).toContain('text/event-stream');
    const events: FeedEvent[] = [];
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of answer.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) {
          events.push(JSON.parse(data) as FeedEvent);
        }
      }
      if (isEnough(events)) {
        break;
      }
    }
    stopped.abort();
    return events;
  }

  async function login(username: string): Promise<string> {
    const nobody = new ApiClient({ address: station().process.url });
    return (await nobody.post<LoginAnswer>('/auth/login', { username, password: PASSWORD })).token;
  }

  const isFinished = (event: FeedEvent) => event.type === 'acquisition.finished';

  it('tells each reader of its own experiments, and goes on where a reader left off', async () => {
    const [mine, theirs] = [await station().scene('feed-mine'), await station().scene('feed-theirs')];
    await station().api.post('/users', { username: 'ann', password: PASSWORD });
    await station().api.put(`/experiments/${mine.experiment}/members/ann`, { role: 'User' });
    for (const scene of [theirs, mine]) {
      writeFileSync(join(scene.source, 'secret-name.h5'), 'x');
      await station().upload(scene);
    }
    const token = await login('ann');

    const seen = await read(token, 0, (events) => events.some(isFinished));
    expect(new Set(seen.map((event) => event.experimentId)).size).toBe(1);
    expect(JSON.stringify(seen)).not.toContain(theirs.experiment);

    const done = seen.findIndex((event) => event.type === 'files.done');
    expect(done).toBeGreaterThan(0);
    const resumed = await read(token, seen[done - 1]?.id ?? 0, (events) => events.some(isFinished));
    expect(resumed).toEqual(seen.slice(done));
  });

  it('is closed to those who are not logged in, as is everything but a few routes', async () => {
    const { url } = station().process;
    for (const path of ['/api/v1/events', '/api/v1/alarms', '/api/v1/station', '/api/v1/experiments', '/api/v1/jobs']) {
      expect([path, (await fetch(url + path)).status]).toEqual([path, 401]);
    }
    for (const path of ['/health/live', '/api/v1/openapi.json', '/api/docs']) {
      expect([path, (await fetch(url + path)).status]).toEqual([path, 200]);
    }
  });

  it('shows metrics and the details of health to this machine, not to whom a proxy forwards without a login', async () => {
    const { url } = station().process;
    const forwarded = { headers: { 'x-forwarded-for': '192.0.2.1' } };
    expect((await fetch(`${url}/metrics`)).status).toBe(200);
    expect((await fetch(`${url}/metrics`, forwarded)).status).toBe(401);
    expect(await (await fetch(`${url}/health/ready`, forwarded)).json()).toEqual({ status: 'ready' });
    expect(await (await fetch(`${url}/health/ready`)).json()).toHaveProperty('checks');
  });

  it('names no user, experiment or file in its metrics', async () => {
    const text = await (await fetch(`${station().process.url}/metrics`)).text();
    expect(text).toMatch(/^dm_daq_files_done_total [1-9]/m);
    for (const name of ['admin', 'ann', 'feed-mine', 'feed-theirs', 'secret-name']) {
      expect(text).not.toMatch(new RegExp(`"[^"]*${name}[^"]*"`));
    }
  });
});

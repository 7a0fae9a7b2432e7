import { describe, expect, it } from 'vitest';
import { StationError } from '../kernel/errors.js';
import { EXIT } from './exit-codes.js';
import { waitUntilFinished } from './wait.js';

const down = new StationError('unavailable', 'STATION_UNREACHABLE', 'No station answers.');

describe(waitUntilFinished, () => {
  it('shows each state and ends with the one that is finished', async () => {
    const states = ['running', 'running', 'done'];
    const seen: string[] = [];
    const last = await waitUntilFinished({
      read: () => Promise.resolve(states.shift() ?? ''),
      isFinished: (state) => state === 'done',
      onState: (state) => seen.push(state),
    });
    expect(last).toBe('done');
    expect(seen).toEqual(['running', 'running', 'done']);
  });

  it('sits out an outage, and speaks of it once', async () => {
    const answers = [() => Promise.reject(down), () => Promise.reject(down), () => Promise.resolve('done')];
    const outages: string[] = [];
    await waitUntilFinished({
      read: () => answers.shift()?.() ?? Promise.reject(new Error('read too often')),
      isFinished: (state: string) => state === 'done',
      onOutage: (error) => outages.push(error.code),
    });
    expect(outages).toEqual(['STATION_UNREACHABLE']);
  });

  it('does not wait for what will not change', async () => {
    const gone = new StationError('not-found', 'JOB_NOT_FOUND', 'There is no job 7.');
    await expect(waitUntilFinished({ read: () => Promise.reject(gone), isFinished: () => false })).rejects.toBe(gone);
  });

  it('ends the wait when the time is over', async () => {
    const waiting = waitUntilFinished({
      read: () => Promise.resolve('running'),
      isFinished: () => false,
      timeoutSeconds: 0.05,
    });
    await expect(waiting).rejects.toMatchObject({ exitCode: EXIT.timeout, code: 'WAIT_TIMEOUT' });
  });
});

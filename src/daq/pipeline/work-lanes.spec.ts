import { describe, expect, it } from 'vitest';
import type { StationConfig } from '../../platform/config/index.js';
import type { Database } from '../../platform/database/index.js';
import { BACKLOG, FRESH, type Priority } from '../ledger/ledger-row.js';
import { type Way, WorkLanes } from './work-lanes.js';

/** With one copying thread: four lanes. */
function lanesOn(database: { isAvailable(): boolean }): WorkLanes {
  return new WorkLanes({ storage: { workers: 1 } } as StationConfig, database as Database);
}

/** Work that ends when it is told to. */
class Works {
  readonly begun: string[] = [];
  private readonly ends = new Map<string, () => void>();

  of(name: string): () => Promise<void> {
    return () => {
      this.begun.push(name);
      return new Promise((resolve) => this.ends.set(name, resolve));
    };
  }

  end(name: string): void {
    this.ends.get(name)?.();
  }
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

describe('the lanes', () => {
  it('are as many as they are, and let fresh data in before backlog that came earlier', async () => {
    const lanes = lanesOn({ isAvailable: () => true });
    const works = new Works();
    const enter = (name: string, priority: Priority) => void lanes.run(priority, 'carried', works.of(name));
    ['a', 'b', 'c', 'd'].forEach((name) => enter(name, BACKLOG));
    ['old 1', 'old 2'].forEach((name) => enter(name, BACKLOG));
    enter('new', FRESH);
    await turn();
    expect(works.begun).toEqual(['a', 'b', 'c', 'd']);
    works.end('b');
    await turn();
    expect(works.begun.at(-1)).toBe('new');
    works.end('new');
    works.end('a');
    await turn();
    expect(works.begun).toEqual(['a', 'b', 'c', 'd', 'new', 'old 1', 'old 2']);
  });

  it('let in what was fetched and what is carried in turn, so that whoever fetches soon sees what is fresh', async () => {
    const lanes = lanesOn({ isAvailable: () => true });
    const works = new Works();
    const enter = (name: string, way: Way, priority: Priority) => void lanes.run(priority, way, works.of(name));
    ['a', 'b', 'c', 'd'].forEach((name) => enter(name, 'carried', BACKLOG));
    ['carried 1', 'carried 2', 'carried 3'].forEach((name) => enter(name, 'carried', BACKLOG));
    ['fetched 1', 'fetched 2'].forEach((name) => enter(name, 'fetched', BACKLOG));
    await turn();
    works.end('a');
    await turn();
    expect(works.begun.at(-1)).toBe('fetched 1');
    // The consumer that brought it comes back with what the queue gives first.
    works.end('fetched 1');
    enter('fresh', 'fetched', FRESH);
    works.end('b');
    works.end('c');
    works.end('d');
    await turn();
    expect(works.begun.slice(5)).toEqual(['fresh', 'carried 1', 'fetched 2', 'carried 2']);
  });

  it('begin nothing while the database is away', async () => {
    let isAvailable = false;
    const lanes = lanesOn({ isAvailable: () => isAvailable });
    const works = new Works();
    const run = lanes.run(FRESH, 'carried', works.of('a'));
    await turn();
    expect(works.begun).toEqual([]);
    isAvailable = true;
    await expect.poll(() => works.begun).toEqual(['a']);
    works.end('a');
    expect(await run).toBe(true);
  });

  it('let work under way finish when the station stops, and turn the rest back', async () => {
    const lanes = lanesOn({ isAvailable: () => true });
    const works = new Works();
    const runs = ['a', 'b', 'c', 'd', 'e'].map((name) => lanes.run(BACKLOG, 'carried', works.of(name)));
    await turn();
    let hasStopped = false;
    const stopping = lanes.beforeApplicationShutdown().then(() => (hasStopped = true));
    expect(await runs[4]).toBe(false);
    ['a', 'b', 'c'].forEach((name) => works.end(name));
    await turn();
    expect(hasStopped).toBe(false);
    works.end('d');
    await stopping;
    expect(await Promise.all(runs)).toEqual([true, true, true, true, false]);
    expect(works.begun).not.toContain('e');
  });
});

import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { ndjsonOf, wantsNdjson } from './ndjson.js';

describe('wantsNdjson', () => {
  it('is for those who ask for it first', () => {
    expect(wantsNdjson('application/x-ndjson')).toBe(true);
    expect(wantsNdjson('Application/X-NDJSON; q=1, */*')).toBe(true);
    expect(wantsNdjson('application/json, application/x-ndjson')).toBe(false);
    expect(wantsNdjson(undefined)).toBe(false);
  });
});

describe('ndjsonOf', () => {
  async function* count(to: number, ended: () => void): AsyncGenerator<{ number: number }> {
    try {
      for (let number = 1; number <= to; number += 1) {
        yield await Promise.resolve({ number });
      }
    } finally {
      ended();
    }
  }

  it('writes one line for each, none for none', async () => {
    const lines = (await text((await ndjsonOf(count(20_000, () => undefined))).getStream())).split('\n');
    expect(lines).toHaveLength(20_001);
    expect(JSON.parse(lines[19_999] ?? '')).toEqual({ number: 20_000 });
    expect(await text((await ndjsonOf(count(0, () => undefined))).getStream())).toBe('');
  });

  it('fails before anything is sent when the first item cannot be read', async () => {
    async function* broken(): AsyncGenerator<never> {
      throw await Promise.resolve(new Error('refused'));
    }
    await expect(ndjsonOf(broken())).rejects.toThrow('refused');
  });

  it('ends the source when the client goes away', async () => {
    let isEnded = false;
    const file = await ndjsonOf(count(1_000_000, () => (isEnded = true)));
    const stream = file.getStream();
    await new Promise((resolve) => stream.once('data', resolve));
    stream.destroy();
    await new Promise((resolve) => stream.once('close', resolve));
    expect(isEnded).toBe(true);
  });
});

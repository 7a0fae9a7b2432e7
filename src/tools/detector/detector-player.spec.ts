import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AWKWARD_NAMES, withExtension } from './awkward-names.js';
import { DetectorPlayer } from './detector-player.js';

describe(DetectorPlayer, () => {
  let directory: Buffer;

  beforeEach(async () => {
    directory = Buffer.from(await mkdtemp(join(tmpdir(), 'dm-player-')));
  });
  afterEach(async () => {
    await rm(directory.toString(), { recursive: true });
  });

  it('writes every awkward name byte for byte', async () => {
    const exposures = AWKWARD_NAMES.map((name) => ({ name: withExtension(name, '.tif'), content: name.bytes }));
    await new DetectorPlayer({ directory, pauseMs: 0 }).play(exposures);

    const names = await readdir(directory, { encoding: 'buffer' });
    const sorted = (list: readonly Buffer[]) => list.map((name) => name.toString('hex')).sort();
    expect(sorted(names)).toEqual(sorted(exposures.map(({ name }) => name)));
  });

  it('writes in pieces: half of a file stands under its final name for a while', async () => {
    const name = Buffer.from('slow.h5');
    const playing = new DetectorPlayer({ directory, pauseMs: 60 }).play([
      { name, content: Buffer.alloc(1000, 1), pieces: 4 },
    ]);
    const sizes = new Set<number>();
    let isDone = false;
    void playing.then(() => (isDone = true));
    while (!isDone) {
      const seen = await stat(join(directory.toString(), 'slow.h5')).catch(() => undefined);
      if (seen !== undefined) {
        sizes.add(seen.size);
      }
    }
    const [written] = await playing;
    const halves = [...sizes].filter((size) => size > 0 && size < 1000);
    expect(halves).not.toEqual([]);
    expect([250, 500, 750]).toEqual(expect.arrayContaining(halves));
    expect(written?.sizeBytes).toBe(1000);
  });

  it('reports each file once it is complete on disk', async () => {
    const seen: number[] = [];
    const player = new DetectorPlayer({ directory, pauseMs: 0, onFile: (file) => seen.push(file.sizeBytes) });
    const [first] = await player.play([
      { name: Buffer.from('one'), content: Buffer.from('12345') },
      { name: Buffer.from('empty'), content: Buffer.alloc(0) },
    ]);
    expect(seen).toEqual([5, 0]);
    expect(await readFile(first?.path ?? '', 'utf8')).toBe('12345');
  });

  it('stops between two pieces when it is told to', async () => {
    const controller = new AbortController();
    const playing = new DetectorPlayer({ directory, pauseMs: 60_000 }).play(
      [{ name: Buffer.from('never'), content: Buffer.alloc(10) }],
      controller.signal,
    );
    controller.abort();
    await expect(playing).rejects.toThrow(/abort/i);
  });
});

import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pathToText } from '../../kernel/path-text.js';
import { AWKWARD_NAMES } from '../detector/index.js';
import { diskFacts, filesNamed } from './disk-facts.js';

describe(diskFacts, () => {
  let directory: string;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'dm-facts-'));
    await mkdir(join(directory, 'sub  ./dir'), { recursive: true });
  });
  afterEach(() => rm(directory, { recursive: true }));

  it('reads size and digest of every file, whatever it is called', async () => {
    for (const { bytes } of AWKWARD_NAMES) {
      await writeFile(Buffer.concat([Buffer.from(`${directory}/sub  ./dir/`), bytes]), bytes);
    }
    const facts = await diskFacts(directory);
    expect(facts.size).toBe(AWKWARD_NAMES.length);
    for (const { bytes } of AWKWARD_NAMES) {
      expect(facts.get(`sub  ./dir/${pathToText(bytes)}`)).toEqual({
        sizeBytes: bytes.length,
        md5Sum: createHash('md5').update(bytes).digest('hex'),
      });
    }
  });

  it('finds nothing in an empty directory', async () => {
    expect(await diskFacts(directory)).toEqual(new Map());
    expect(await filesNamed(directory, 'PWNED')).toEqual([]);
  });
});

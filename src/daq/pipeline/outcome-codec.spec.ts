import { describe, expect, it } from 'vitest';
import type { FileOutcome } from './file-outcome.js';
import { decodeEntry, encodeEntry, type JournalEntry } from './outcome-codec.js';

const outcome: FileOutcome = {
  row: {
    id: '7',
    experimentId: 3,
    acquisitionId: 'b7a1c1de-0000-4000-8000-000000000000',
    sourceHost: 'detector',
    sourcePath: Buffer.from([0x2f, 0xff, 0x0a, 0x22]),
    inode: 2n ** 64n - 1n,
    sizeBytes: 2n ** 53n + 1n,
    mtimeNs: -1n,
  },
  change: { id: '7', state: 'done', finishedOrder: 200, md5Sum: 'abc', isTransferred: true },
  keepsClaim: false,
  replicas: [{ ledgerId: '7', md5Sum: null, sizeBytes: 5n, proof: 'size', location: new Uint8Array([1, 2]) }],
  displaced: [
    { ledgerId: '6', to: Buffer.from('system/versions/v1/a') },
    { ledgerId: '5', to: null },
  ],
  otherSourceOf: null,
  events: [{ type: 'workflow.requested', experimentId: 3, data: { args: { $int: 'x', $bytes: '!', date: '2026' } } }],
};
const entry: JournalEntry = { claimant: 'run-1', outcomes: [outcome] };

describe('an entry of the outcome journal', () => {
  it('comes back as it was, whatever people have written into events', () => {
    const [back] = decodeEntry(encodeEntry(entry))?.outcomes ?? [];
    expect(back).toEqual({
      ...outcome,
      replicas: [{ ...outcome.replicas[0], location: Buffer.from([1, 2]) }],
    });
    expect(back?.row.sourcePath).toBeInstanceOf(Buffer);
  });

  it('is taken for torn when any part of it is missing or other than it was', () => {
    const text = encodeEntry(entry);
    for (let length = 0; length < text.length; length += 1) {
      expect(decodeEntry(text.slice(0, length)), `${length} of ${text.length}`).toBeUndefined();
    }
    expect(decodeEntry(text.replace('done', 'gone'))).toBeUndefined();
    expect(decodeEntry(`${text}x`)).toBeUndefined();
  });
});

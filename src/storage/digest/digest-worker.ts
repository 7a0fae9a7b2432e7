import { workerData } from 'node:worker_threads';
import { yieldToOthers } from '../../platform/yield-to-others.js';
import { DigestRounds } from './digest-rounds.js';
import { openDigestOver } from './open-digest.js';
import type { DigestThreadData } from './digest-thread.js';

/** Entry of a digesting thread: takes rounds for as long as its owner lives. */
const { memory, control } = workerData as DigestThreadData;
const digest = openDigestOver(memory);
const rounds = new DigestRounds(control);
const streams: unknown[] = [];

yieldToOthers();
for (;;) {
  const parts = rounds.next().map((part) => {
    if (part.isFirst) {
      streams[part.slot] = digest.open();
    }
    return { ...part, stream: streams[part.slot] };
  });
  digest.advance(parts.filter((part) => !part.isLast));
  const ended = parts.filter((part) => part.isLast);
  const digests = digest.finish(ended);
  ended.forEach(({ slot }, index) => rounds.writeDigest(slot, digests[index] ?? ''));
  rounds.done();
}

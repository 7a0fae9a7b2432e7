import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer } from '../pieces/peers.ts';
import { type Contender, runRounds } from '../pieces/rounds.ts';
import type { IngestSet } from './sets.ts';
import type { StationUploads, Upload } from './station-uploads.ts';

export interface SetResult {
  set: IngestSet;
  /** Seconds of each run, by contender. */
  seconds: Record<string, number[]>;
  uploads: Upload[];
}

interface Surroundings {
  uploads: StationUploads;
  memory: string;
  /** Programs that are there, with their versions. */
  versions: Record<string, string>;
  say(message: string): void;
}

/** All contenders on one kind of data. */
export async function runSet(set: IngestSet, rounds: number, around: Surroundings): Promise<SetResult> {
  const uploads: Upload[] = [];
  const present = set.peers.filter((peer) => peer.programs.every((program) => around.versions[program] !== undefined));
  const contenders = [
    stationContender(set, around.uploads, uploads),
    ...present.map((peer) => peerContender(peer, set, around.memory)),
  ];
  const seconds = await runRounds(contenders, rounds, (name, round, took) =>
    around.say(
      `${set.name.padEnd(10)}  round ${round + 1}/${rounds}  ${name.padEnd(11)} ${took.toFixed(2).padStart(6)} s`,
    ),
  );
  return { set, seconds, uploads };
}

function stationContender(set: IngestSet, uploads: StationUploads, finished: Upload[]): Contender {
  return {
    name: 'station',
    run: async () => {
      const upload = await uploads.run(set.data);
      finished.push(upload);
      return upload.seconds;
    },
    afterwards: async () => {
      const upload = finished.at(-1);
      if (upload !== undefined) {
        await uploads.check(upload, set.data);
      }
    },
  };
}

function peerContender(peer: Peer, set: IngestSet, memory: string): Contender {
  const copy = join(memory, 'copy');
  return {
    name: peer.name,
    run: async () => {
      const startedAt = performance.now();
      await peer.copy(set.data.directory, copy, join(memory, 'digests'));
      return (performance.now() - startedAt) / 1000;
    },
    afterwards: async () => rmSync(copy, { recursive: true }),
  };
}

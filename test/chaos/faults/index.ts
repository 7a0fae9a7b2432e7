import type { FaultKind } from '../plan.ts';
import type { World } from '../world.ts';
import type { Fault } from './fault.ts';
import { mongoKilled, postgresKilled, redisKilled, stationAndDatabaseKilled, stationKilled } from './kills.ts';
import { copyCorrupted, sourceChanged } from './mid-copy.ts';
import { destinationFilled, sourceUnmounted } from './mounts.ts';
import { sshCut } from './ssh.ts';

export const FAULTS: Record<FaultKind, Fault> = {
  'station-killed': stationKilled,
  'station-and-database-killed': stationAndDatabaseKilled,
  'postgres-killed': postgresKilled,
  'redis-killed': redisKilled,
  'mongo-killed': mongoKilled,
  'destination-filled': destinationFilled,
  'source-unmounted': sourceUnmounted,
  'ssh-cut': sshCut,
  'copy-corrupted': copyCorrupted,
  'source-changed': sourceChanged,
};

/** Why a kind of fault cannot strike here; undefined when it can. */
export function whyNot(kind: FaultKind, { places, absent }: Pick<World, 'places' | 'absent'>): string | undefined {
  switch (kind) {
    case 'destination-filled':
    case 'source-unmounted':
      return places.isMountable ? undefined : 'it needs mounts, which only root may make (and not in every container)';
    default:
      return absent[kind];
  }
}

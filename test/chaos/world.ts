import type { TestSshd } from '../support/sshd.ts';
import type { Detector } from './detector.ts';
import type { Places } from './places.ts';
import type { FaultKind } from './plan.ts';
import type { Server } from './servers.ts';
import type { SupervisedStation } from './supervised-station.ts';
import type { Timeline } from './timeline.ts';

/** All that a fault can strike. */
export interface World {
  places: Places;
  station: SupervisedStation;
  redis: Server | undefined;
  mongo: Server | undefined;
  /** Of the machine that some uploads come from. */
  sshd: TestSshd | undefined;
  /** Why a kind has nothing to strike, such as a server that is not installed. */
  absent: Partial<Record<FaultKind, string>>;
  /** MD5 of what a late fault has made of copies; their repair keeps that aside. */
  damaged: Set<string>;
  detector: Detector;
  timeline: Timeline;
}

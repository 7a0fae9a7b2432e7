import type { Detector } from './detector.ts';
import type { Places } from './places.ts';
import type { Server } from './servers.ts';
import type { SupervisedStation } from './supervised-station.ts';
import type { Timeline } from './timeline.ts';

/** All that a fault can strike. */
export interface World {
  places: Places;
  station: SupervisedStation;
  redis: Server | undefined;
  mongo: Server | undefined;
  detector: Detector;
  timeline: Timeline;
}

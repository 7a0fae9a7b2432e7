import { Inject, Injectable } from '@nestjs/common';
import { Gauge, type Registry } from 'prom-client';
import { METRICS } from '../../platform/metrics/index.js';
import { WatchHub } from './watch-hub.js';

/** How much of what may be watched is watched: where the two meet, files are found later than they could be. */
@Injectable()
export class WatchMetrics {
  constructor(@Inject(METRICS) registry: Registry, hub: WatchHub) {
    new Gauge({
      name: 'dm_daq_watched_directories',
      help: 'Directories whose file events are told of',
      registers: [registry],
      collect() {
        this.set(hub.budget.used);
      },
    });
    new Gauge({
      name: 'dm_daq_watched_directories_limit',
      help: 'Directories that may be watched at a time, by the kernel and by the station',
      registers: [registry],
      collect() {
        this.set(hub.budget.allowed);
      },
    });
  }
}

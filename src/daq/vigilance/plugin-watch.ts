import type { NewAlarm } from '../../platform/alarms/index.js';
import type { PluginSet } from '../plugins/plugin-set.js';
import type { Watch } from './watch.js';

const CONSEQUENCE = {
  warn: 'Files pass without it, each with a warning.',
  retry: 'Files that are due for it wait, verified and in storage.',
  fail: 'Files that are due for it are quarantined after their last attempt.',
} as const;

/** A plug-in that does not answer any more. */
export class PluginWatch implements Watch {
  readonly prefix = 'daq.plugin-silent:';

  constructor(private readonly plugins: Pick<PluginSet, 'failing'>) {}

  look(): Promise<NewAlarm[]> {
    return Promise.resolve(
      this.plugins.failing().map(({ name, onError, sinceMs, message }) => {
        const since = new Date(sinceMs).toISOString();
        return {
          key: `${this.prefix}${name}`,
          severity: onError === 'warn' ? 'warning' : 'critical',
          message: `Plug-in ${name} has not answered since ${since}. ${CONSEQUENCE[onError]}`,
          action: `Mend what it leans on; it is tried again by itself. It said: ${message}`,
          details: { since },
        } as const;
      }),
    );
  }
}

import { collectDefaultMetrics, Registry } from 'prom-client';

/** Injection token of this application's own prom-client Registry (the global one would leak between tests). */
export const METRICS = Symbol('MetricsRegistry');

export function createRegistry(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'dm_' });
  return registry;
}

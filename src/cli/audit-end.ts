import { type ApiClient, apiPath } from './api-client.js';
import type { AuditAnswer } from './api-types.js';
import { waitUntilFinished } from './wait.js';

/** Waits until an audit is over, and with it the repairs that were asked for. */
export function auditEnded(client: ApiClient, id: string, timeoutSeconds?: number): Promise<AuditAnswer> {
  return waitUntilFinished({
    read: () => client.get<AuditAnswer>(apiPath`/audits/${id}`),
    isFinished: ({ status, repairs }) => ['done', 'stopped', 'failed'].includes(status) && repairs.requested === 0,
    timeoutSeconds,
  });
}

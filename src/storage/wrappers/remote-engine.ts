import type { TransferEngine } from '../transfer-engine.port.js';
import type { TransferMetrics } from '../transfer.metrics.js';
import { LimitedTransferEngine } from './limited-transfer-engine.js';
import { MeteredTransferEngine } from './metered-transfer-engine.js';
import { RecheckingTransferEngine } from './rechecking-transfer-engine.js';
import { RetryingTransferEngine, type RetrySettings } from './retrying-transfer-engine.js';

/** A short outage of the network is bridged here; a longer one is the ledger's affair, whose rows wait. */
const RETRY: RetrySettings = { attempts: 3, firstPauseMs: 500 };

/** What every engine that goes over a network is wrapped in. */
export function remoteEngine(
  inner: TransferEngine,
  settings: { name: string; concurrency: number; metrics: TransferMetrics },
): TransferEngine {
  const retried = new RetryingTransferEngine(new RecheckingTransferEngine(inner), RETRY);
  return new MeteredTransferEngine(
    new LimitedTransferEngine(retried, settings.concurrency),
    settings.name,
    settings.metrics,
  );
}

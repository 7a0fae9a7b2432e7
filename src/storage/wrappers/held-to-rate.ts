import type { TransferEngine } from '../transfer-engine.port.js';
import { ThrottledTransferEngine } from './throttled-transfer-engine.js';

/** The engine itself where no rate is configured. */
export function heldToRate(engine: TransferEngine, bytesPerSecond: number | undefined): TransferEngine {
  return bytesPerSecond === undefined ? engine : new ThrottledTransferEngine(engine, bytesPerSecond);
}

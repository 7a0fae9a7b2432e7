import { StationError } from '../../kernel/errors.js';
import type { DaqConfig } from '../daq.config.js';
import { companionProblem } from '../settle/companion.js';
import { defaultEmptyQuietSeconds, plainSettle, type SettleOptions } from '../settle/settle-options.js';
import type { SettleRequest } from './acquisition.schema.js';

/** @throws StationError SETTLE_INVALID */
export function settleOptionsOf(
  request: SettleRequest | undefined,
  quietSeconds: number,
  config: Pick<DaqConfig, 'temporaryNames'>,
): SettleOptions {
  if (request === undefined) {
    return plainSettle(quietSeconds, config.temporaryNames);
  }
  requireFitting(request);
  return {
    rule: request.rule,
    marker: request.marker ?? null,
    sizeFile: request.sizeFile ?? null,
    minBytes: request.minBytes ?? null,
    temporaryNames: request.temporaryNames ?? config.temporaryNames,
    emptyQuietSeconds: request.emptyQuietSeconds ?? defaultEmptyQuietSeconds(quietSeconds),
  };
}

function requireFitting({ rule, marker, sizeFile, minBytes }: SettleRequest): void {
  if (rule === 'marker' ? marker === undefined : marker !== undefined) {
    throw invalid(
      rule === 'marker'
        ? 'settle.rule marker needs settle.marker, such as {name}.done'
        : `settle.marker is for the rule marker, not for ${rule}`,
    );
  }
  const hasSize = sizeFile !== undefined || minBytes !== undefined;
  if ((rule === 'size') !== hasSize) {
    throw invalid(
      rule === 'size'
        ? 'settle.rule size needs settle.sizeFile, such as {name}.size, or settle.minBytes'
        : `settle.sizeFile and settle.minBytes are for the rule size, not for ${rule}`,
    );
  }
  for (const [name, pattern] of [
    ['marker', marker],
    ['sizeFile', sizeFile],
  ] as const) {
    const problem = pattern === undefined ? null : companionProblem(pattern);
    if (problem !== null) {
      throw invalid(`settle.${name} ${pattern ?? ''}: ${problem}`);
    }
  }
}

function invalid(what: string): StationError {
  return new StationError('invalid', 'SETTLE_INVALID', `${what}.`);
}

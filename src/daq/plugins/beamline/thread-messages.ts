import type { BatchFileAnswer, BeamlineFile } from '../../../../config/examples/plugins/dm-plugin.js';

/** What the thread of a beamline's plug-in is started with. */
export interface ThreadStart {
  /** URL of the module. */
  module: string;
}

export type ToThread =
  | { kind: 'call'; call: number; files: BeamlineFile[]; options: Record<string, unknown> }
  | { kind: 'abort'; call: number }
  | { kind: 'ping' };

export type FromThread =
  | { kind: 'ready'; name: string; order: number; form: 'file' | 'batch' }
  /** The module is none that can be used. */
  | { kind: 'unusable'; reason: string }
  | { kind: 'answered'; call: number; answers: BatchFileAnswer[] }
  /** It threw, for all files of the call. */
  | { kind: 'threw'; call: number; message: string }
  | { kind: 'pong' };

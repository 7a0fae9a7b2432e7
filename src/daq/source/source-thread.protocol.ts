import type { AllowedPlaces } from './local-presence.js';
import type { PackedScan } from './scan-messages.js';
import type { Look, Presence, Removal, ScanRequest, SourceIdentity } from './source-tree.port.js';

/** What a thread is started with. */
export interface SourceThreadData {
  /** One 32-bit counter: how often the file system has answered. */
  beats: SharedArrayBuffer;
}

/** The source that a thread is asked about. */
export interface ServedSource {
  root: Uint8Array;
  places: AllowedPlaces;
  batchSize: number;
  /** The file that lists what is mounted, as /proc/self/mountinfo. */
  mountInfo: string;
}

/** What it is asked, by the kind of question: its fields, and its answer. */
export interface SourceCalls {
  /** All questions from now on are about this source. */
  serve: { ask: { source: ServedSource }; answer: null };
  presence: { ask: { knownDevice: string | null }; answer: Presence };
  look: { ask: { paths: Uint8Array[] }; answer: Look[] };
  read: { ask: { path: Uint8Array; limit: number }; answer: Uint8Array | undefined };
  clock: { ask: object; answer: bigint | undefined };
  remove: { ask: { path: Uint8Array; identity: SourceIdentity }; answer: Removal };
  restore: { ask: { path: Uint8Array; identity: SourceIdentity }; answer: null };
  /** The next batch of a pass, which begins with its first call; null at its end. `taken`: how many the caller has taken. */
  next: { ask: { scan: number; request: ScanRequest; taken: number }; answer: PackedScan | null };
  /** What earlier passes found is forgotten; the next pass is as the first. */
  forget: { ask: object; answer: null };
  /** The pass is over or given up; what was not taken comes again. */
  close: { ask: { scan: number; taken: number }; answer: null };
}

export type SourceCall = keyof SourceCalls;

export type SourceQuestion = {
  [Call in SourceCall]: { id: number; kind: Call } & SourceCalls[Call]['ask'];
}[SourceCall];

export type SourceReply = { id: number; answer: unknown } | { id: number; error: string };

import type { NewAlarm } from '../../platform/alarms/index.js';
import type { StorageArea } from '../../storage/index.js';
import type { OpenWork, WaitingFiles } from './open-work.js';
import type { Watch } from './watch.js';
import { inBytes } from './words.js';

interface Place {
  root: string;
  freeBytes: number;
  reserveBytes: number;
}

/** Why the storage area, though it is there, takes files no more. */
export interface PlaceTrouble {
  key: string;
  /** Of rows that wait for its end. */
  codes: readonly string[];
  says: (waiting: WaitingFiles, place: Place) => string;
  action: string;
}

export const FULL: PlaceTrouble = {
  key: 'storage.full',
  codes: ['STORAGE_FULL', 'ENOSPC', 'EDQUOT'],
  says: (waiting, { root, freeBytes, reserveBytes }) =>
    `${subjectOf(waiting)} for room in the storage area ${root}: ${inBytes(freeBytes)} are free, of which ${inBytes(reserveBytes)} stay reserved.`,
  action:
    'Free or add space for the storage area, raise its quota, or lower storage.reserveBytes; the files go on by themselves.',
};

export const READ_ONLY: PlaceTrouble = {
  key: 'storage.read-only',
  codes: ['EROFS'],
  says: (waiting, { root }) => `${subjectOf(waiting)} since the storage area ${root} is read-only.`,
  action:
    'Look why (dmesg tells of a file system that its disk has failed) and mount it for writing; the files go on by themselves.',
};

/**
 * Files wait for the storage area itself. Their waiting is renewed with each try, and its disk may have room that is too
 * little for them: neither the pace of the work nor that of the disk tells of it.
 */
export class PlaceWatch implements Watch {
  readonly prefix: string;
  private said: NewAlarm[] = [];

  constructor(
    private readonly trouble: PlaceTrouble,
    private readonly work: Pick<OpenWork, 'waitingFor'>,
    private readonly area: Pick<StorageArea, 'root' | 'freeBytes'>,
    private readonly reserveBytes: number,
  ) {
    this.prefix = trouble.key;
  }

  async look(): Promise<NewAlarm[]> {
    const waiting = await this.work.waitingFor(this.trouble.codes);
    if (waiting.files === 0) {
      // What is just tried again waits for nothing in this moment: once more, then it is over.
      return this.said.splice(0);
    }
    const place = {
      root: this.area.root,
      freeBytes: await this.area.freeBytes(),
      reserveBytes: this.reserveBytes,
    };
    const { key, says, action } = this.trouble;
    const alarm: NewAlarm = {
      key,
      severity: 'critical',
      message: says(waiting, place),
      action,
      details: { ...waiting, ...place },
    };
    this.said = [alarm];
    return [alarm];
  }
}

/** `1 file (2.0 GB) waits`, `3 files (6.0 GB, the largest 4.0 GB) wait`. */
function subjectOf({ files, bytes, largest }: WaitingFiles): string {
  return files === 1
    ? `1 file (${inBytes(bytes)}) waits`
    : `${files} files (${inBytes(bytes)}, the largest ${inBytes(largest)}) wait`;
}

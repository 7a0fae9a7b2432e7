import type { RawTree } from '../metadata-readers.port.js';
import type { FileSource } from './file-source.js';
import { DamagedFile, newTree, type ReadingDraft } from './reading-draft.js';
import { XdrCursor } from './xdr-cursor.js';

/** More than EPICS' sscan record can have: 4 positioners, 70 detectors, 4 triggers. */
const MOST_PARTS = 1000;
const MOST_PVS = 10_000;
/** Values of one PV that are kept. */
const MOST_VALUES = 32;

/** Types of an extra PV's value (EPICS' DBR_CTRL_…; 0 is DBR_STRING). */
const STRING = 0;
const SHORT = 29;
const FLOAT = 30;
const CHAR = 32;
const LONG = 33;
const DOUBLE = 34;

/**
 * EPICS sscan files: the header, one scan of each rank (the inner scans of a mesh are set up alike; the first one stands
 * for all), and the extra PVs. Of the data the first and last position are read.
 */
export function readMda(source: FileSource, draft: ReadingDraft): void {
  const { raw } = draft;
  const cursor = new XdrCursor(source, 0);
  raw['version'] = cursor.float();
  raw['scanNumber'] = cursor.int();
  const rank = cursor.int();
  raw['rank'] = rank;
  raw['dimensions'] = Array.from({ length: rank }, () => cursor.int());
  raw['isRegular'] = cursor.int() !== 0;
  const pvsAt = cursor.uint();
  attempt(draft, () => readPvs(source, pvsAt, raw));
  raw['scans'] = readScans(source, cursor.offset, rank, draft);
}

/** Parts of the file are independent: what is wrong with one does not hide the others. */
function attempt(draft: ReadingDraft, read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof DamagedFile)) {
      throw error;
    }
    draft.complain(error.message);
  }
}

function readScans(source: FileSource, first: number, mostRank: number, draft: ReadingDraft): RawTree[] {
  const scans: RawTree[] = [];
  let at = first;
  for (let rank = mostRank; rank >= 1 && at !== 0; rank -= 1) {
    let inner = 0;
    attempt(draft, () => {
      const scan = newTree();
      scans.push(scan);
      inner = readScan(source, at, rank, scan, draft);
    });
    at = inner;
  }
  return scans;
}

/** @returns where the first inner scan begins; 0 when there is none. */
function readScan(source: FileSource, at: number, rank: number, scan: RawTree, draft: ReadingDraft): number {
  const cursor = new XdrCursor(source, at);
  const ownRank = cursor.int();
  if (ownRank !== rank) {
    throw new DamagedFile(`At byte ${at} there should be a scan of rank ${rank}.`);
  }
  const requested = cursor.count(source.size, 'points');
  const points = cursor.int();
  const inner = rank > 1 && requested > 0 ? cursor.uint() : 0;
  cursor.skip(rank > 1 ? Math.max(0, requested - 1) * 4 : 0);
  scan['rank'] = rank;
  scan['name'] = cursor.text();
  scan['time'] = cursor.text();
  scan['points'] = points;
  scan['requestedPoints'] = requested;
  const [positioners, detectors, triggers] = [0, 0, 0].map(() => cursor.count(MOST_PARTS, 'parts of a scan'));
  const moved = list(positioners, () => readPositioner(cursor));
  scan['positioners'] = moved;
  scan['detectors'] = list(detectors, () => readDetector(cursor));
  scan['triggers'] = list(triggers, () => readTrigger(cursor));
  const dataBytes = requested * (8 * (positioners ?? 0) + 4 * (detectors ?? 0));
  if (cursor.offset + dataBytes > source.size) {
    draft.complain(`The file is truncated: the data of the scan of rank ${rank} reach beyond its end.`);
  } else {
    addRange(source, cursor.offset, moved, requested, Math.min(points, requested));
  }
  return inner;
}

function list(count: number | undefined, read: () => RawTree): RawTree[] {
  return Array.from({ length: count ?? 0 }, read);
}

function readPositioner(cursor: XdrCursor): RawTree {
  cursor.int(); // its number in the scan record
  return {
    name: cursor.text(),
    description: cursor.text(),
    stepMode: cursor.text(),
    unit: cursor.text(),
    readback: cursor.text(),
    readbackDescription: cursor.text(),
    readbackUnit: cursor.text(),
  };
}

function readDetector(cursor: XdrCursor): RawTree {
  cursor.int();
  return { name: cursor.text(), description: cursor.text(), unit: cursor.text() };
}

function readTrigger(cursor: XdrCursor): RawTree {
  cursor.int();
  return { name: cursor.text(), command: cursor.float() };
}

/** First and last position, from the positions that stand before the detectors' data. */
function addRange(source: FileSource, at: number, positioners: RawTree[], requested: number, points: number): void {
  if (points <= 0) {
    return;
  }
  positioners.forEach((positioner, index) => {
    const from = at + index * requested * 8;
    positioner['first'] = new XdrCursor(source, from).double();
    positioner['last'] = new XdrCursor(source, from + (points - 1) * 8).double();
  });
}

function readPvs(source: FileSource, at: number, raw: RawTree): void {
  const pvs = newTree();
  raw['pvs'] = pvs;
  if (at === 0) {
    return; // the file has none
  }
  const cursor = new XdrCursor(source, at);
  const count = cursor.count(MOST_PVS, 'extra PVs');
  for (let index = 0; index < count; index += 1) {
    const name = cursor.text();
    const description = cursor.text();
    const type = cursor.int();
    const length = type === STRING ? 1 : cursor.count(source.size, 'values');
    const unit = type === STRING ? '' : cursor.text();
    pvs[name] = { value: readValue(cursor, type, length), unit, description };
  }
}

function readValue(cursor: XdrCursor, type: number, length: number): unknown {
  switch (type) {
    case STRING:
      return cursor.text();
    case CHAR: {
      const codes = cursor.values(length, 4, 4096, () => cursor.int());
      const end = codes.indexOf(0);
      return Buffer.from(end === -1 ? codes : codes.slice(0, end)).toString('latin1');
    }
    case SHORT:
    case LONG:
      return single(cursor.values(length, 4, MOST_VALUES, () => cursor.int()));
    case FLOAT:
      return single(cursor.values(length, 4, MOST_VALUES, () => cursor.float()));
    case DOUBLE:
      return single(cursor.values(length, 8, MOST_VALUES, () => cursor.double()));
    default:
      throw new DamagedFile(`The extra PVs have a value of unknown type ${type} before byte ${cursor.offset}.`);
  }
}

function single(values: number[]): number | number[] | null {
  return values.length > 1 ? values : (values[0] ?? null);
}

import type { RawTree } from '../../metadata-readers.port.js';
import type { FileSource } from '../file-source.js';
import type { ReadingDraft } from '../reading-draft.js';
import { linesOf } from '../text-lines.js';
import { NameLists } from './name-lists.js';
import { SpecScan } from './spec-scan.js';

/** A year of scans in one file is some hundred MB; beyond this the rest is left out, and noted. */
const MOST_BYTES = 512 * 1024 * 1024;
const MOST_SCANS = 20_000;
/** Once the scans have so many characters, the following ones are told by number, command, date and points only. */
const DETAILED_CHARACTERS = 700_000;
const MOST_COMMENTS = 50;
const HASH = 0x23;

/** SPEC data files: what the file says of itself, and each scan. A damaged scan is complained of; the others are kept. */
export function readSpec(source: FileSource, draft: ReadingDraft): void {
  const file = new SpecFile(draft);
  for (const line of linesOf(source, MOST_BYTES)) {
    if (line[0] === HASH) {
      file.control(line.toString('utf8').replace(/\r$/, ''));
    } else {
      file.data(line);
    }
    if (file.isFull) {
      break;
    }
  }
  file.end();
  if (source.size > MOST_BYTES) {
    draft.omitted.push(`scans (behind the first ${MOST_BYTES} bytes)`);
  }
}

class SpecFile {
  private readonly scans: RawTree[] = [];
  private readonly comments: string[] = [];
  private readonly names = new NameLists();
  private scan: SpecScan | undefined;
  private characters = 0;
  isFull = false;

  constructor(private readonly draft: ReadingDraft) {
    draft.raw['scans'] = this.scans;
  }

  control(line: string): void {
    const [, key = '', value = ''] = /^#(@?[A-Za-z]+\d*)\s?(.*)$/.exec(line) ?? [];
    if (key === 'S') {
      this.endScan();
      this.scan = new SpecScan(value.trim());
    } else if (key === 'F' || key === 'E') {
      this.endScan(); // SPEC was started again, and goes on in the same file
      this.header(key, value.trim());
    } else if (this.scan === undefined) {
      this.header(key, value);
    } else {
      this.scan.control(key, value);
    }
  }

  data(line: Buffer): void {
    this.scan?.data(line);
  }

  end(): void {
    this.endScan();
    // Last, so that the size of the scans never costs what is said about the file.
    delete this.draft.raw['scans'];
    this.draft.raw['scans'] = this.scans;
    if (this.scans.length === 0) {
      this.draft.complain('It holds no scan.');
    }
  }

  private header(key: string, value: string): void {
    const { raw } = this.draft;
    const [, letter = '', number] = /^([OHoJj])(\d+)$/.exec(key) ?? [];
    if (letter === 'O' || letter === 'H') {
      this.names.add(letter, Number(number), value);
    } else if (key === 'F') {
      raw['file'] ??= value;
    } else if (key === 'E') {
      raw['epoch'] ??= Number(value);
    } else if (key === 'D') {
      raw['date'] ??= value.trim();
    } else if (key === 'C' && this.comments.length < MOST_COMMENTS) {
      this.comments.push(value.trim());
      raw['comments'] = this.comments;
      const user = /User\s*=\s*(\S+)/.exec(value)?.[1];
      if (user !== undefined) {
        raw['user'] ??= user;
      }
    }
  }

  private endScan(): void {
    if (this.scan === undefined) {
      return;
    }
    const isDetailed = this.characters < DETAILED_CHARACTERS;
    const { tree, complaints } = this.scan.describe(this.names, isDetailed);
    this.scan = undefined;
    this.scans.push(tree);
    complaints.forEach((complaint) => this.draft.complain(complaint));
    this.characters += JSON.stringify(tree).length;
    if (!isDetailed && !this.draft.omitted.includes(DETAILS)) {
      this.draft.omitted.push(DETAILS);
    }
    if (this.scans.length >= MOST_SCANS) {
      this.draft.omitted.push(`scans (more than ${MOST_SCANS})`);
      this.isFull = true;
    }
  }
}

const DETAILS = 'scans (motors, labels and other details of the later ones)';

import type { RawTree } from '../../metadata-readers.port.js';
import { numberOrText, numbersOf } from '../numbers.js';
import { newTree } from '../reading-draft.js';
import { type NameLists, splitNames } from './name-lists.js';
import { parseUxml } from './parse-uxml.js';

const MOST_COMMENTS = 20;
const MOST_OTHER = 50;
const MOST_UXML_CHARACTERS = 262_144;
const AT = 0x40;
const BACKSLASH = 0x5c;

/** One scan of a SPEC file while its lines come in. */
export class SpecScan {
  private date: string | undefined;
  private countTime: string | undefined;
  private monitor: string | undefined;
  private columns: number | undefined;
  private labels: string | undefined;
  private points = 0;
  private badRows = 0;
  private isInMca = false;
  private readonly values = { P: new Map<number, string>(), V: new Map<number, string>() };
  private readonly geometry = newTree();
  private readonly other = newTree();
  private otherCount = 0;
  private readonly comments: string[] = [];
  private uxml = '';

  /** @param heading What stands behind `#S`: number and command. */
  constructor(private readonly heading: string) {}

  control(key: string, value: string): void {
    const [, letter = '', row] = /^([PVG])(\d+)$/.exec(key) ?? [];
    if (letter === 'P' || letter === 'V') {
      this.values[letter].set(Number(row), value);
    } else if (letter === 'G' || key === 'Q') {
      this.geometry[key] = numbersOf(value) ?? value.trim();
    } else {
      this.single(key, value);
    }
  }

  data(line: Buffer): void {
    const isContinued = line.at(-1) === BACKSLASH;
    if (this.isInMca || line[0] === AT) {
      this.isInMca = isContinued; // the spectrum of a multi-channel analyser, over many lines
      return;
    }
    const text = line.toString('latin1').trim();
    if (text === '') {
      return;
    }
    const numbers = numbersOf(text);
    if (numbers === undefined || (this.columns !== undefined && numbers.length !== this.columns)) {
      this.badRows += 1;
    } else {
      this.points += 1;
    }
  }

  /** @param isDetailed Without it only what tells one scan from another. */
  describe(names: NameLists, isDetailed: boolean): { tree: RawTree; complaints: string[] } {
    const [, number, command] = /^(\d+)\s*(.*)$/.exec(this.heading) ?? [];
    const complaints: string[] = [];
    const complain = (sentence: string) => complaints.push(`Scan ${number ?? '?'}: ${sentence}`);
    const tree = newTree([
      ['number', number === undefined ? undefined : Number(number)],
      ['command', command ?? this.heading],
      ['date', this.date],
      ['points', this.points],
    ]);
    if (number === undefined) {
      complain('its #S line has no number.');
    }
    if (this.badRows > 0) {
      complain(`${this.badRows} of its ${this.badRows + this.points} data rows are no ${this.columns ?? ''} numbers.`);
    }
    const labels = this.labelsOf(complain);
    const details: [string, unknown][] = [
      ['countTime', this.quantity(this.countTime)],
      ['monitor', this.quantity(this.monitor)],
      ['labels', labels],
      ['motors', this.motors(names, complain)],
      ['metadata', this.beamline(names)],
      ['geometry', Object.keys(this.geometry).length > 0 ? this.geometry : undefined],
      ['uxml', this.uxml === '' ? undefined : this.structured(complain)],
      ['other', this.otherCount > 0 ? this.other : undefined],
      ['comments', this.comments.length > 0 ? this.comments : undefined],
    ];
    if (isDetailed) {
      details.forEach(([key, value]) => (tree[key] = value));
    }
    if (this.comments.some((comment) => /\baborted\b/i.test(comment))) {
      tree['isAborted'] = true;
    }
    return { tree, complaints };
  }

  private single(key: string, value: string): void {
    const text = value.trim();
    switch (key) {
      case 'D':
        this.date ??= text;
        break;
      case 'T':
        this.countTime = text;
        break;
      case 'M':
        this.monitor = text;
        break;
      case 'N':
        this.columns = Number(/^\d+/.exec(text)?.[0] ?? NaN) || undefined;
        break;
      case 'L':
        this.labels = text;
        break;
      case 'C':
        if (this.comments.length < MOST_COMMENTS) {
          this.comments.push(text);
        }
        break;
      case 'UXML':
        this.uxml += this.uxml.length < MOST_UXML_CHARACTERS ? `${value}\n` : '';
        break;
      default:
        this.keepOther(key, text);
    }
  }

  /** What a site adds (`#UE`, `#X` …). Lines that begin with `#@` describe spectra, `#R` results of fits. */
  private keepOther(key: string, text: string): void {
    if (key !== '' && !key.startsWith('@') && this.otherCount < MOST_OTHER) {
      this.otherCount += 1;
      this.other[key] = numberOrText(text);
    }
  }

  /** `0.3  (seconds)`. */
  private quantity(text: string | undefined): unknown {
    if (text === undefined) {
      return undefined;
    }
    const [, number = text, unit] = /^(\S+)\s*\(([^)]*)\)/.exec(text) ?? [];
    const value = numberOrText(number.trim());
    return unit === undefined ? value : { value, unit: unit.toLowerCase() === 'seconds' ? 's' : unit };
  }

  private labelsOf(complain: (sentence: string) => void): string[] | undefined {
    if (this.labels === undefined) {
      if (this.points > 0) {
        complain('it has data, and no #L line that says what they are.');
      }
      return undefined;
    }
    const labels = this.columns === undefined ? undefined : splitNames(this.labels, this.columns);
    if (labels === undefined && this.columns !== undefined) {
      complain(`#N promises ${this.columns} columns, #L names others.`);
    }
    return labels ?? this.labels.split(/\s{2,}|\t/);
  }

  /** Positions with the names of motors that the file's header has for them. */
  private motors(names: NameLists, complain: (sentence: string) => void): RawTree | undefined {
    return this.named('P', 'O', names, (row) => {
      if (names.has('O')) {
        complain(`there are not as many positions in #P${row} as motors in #O${row}.`);
      }
    });
  }

  /** Values of the beamline with their names. Where some were missing it cannot be told which. */
  private beamline(names: NameLists): RawTree | undefined {
    return this.named('V', 'H', names, (row, text) => this.keepOther(`V${row}`, text.trim()));
  }

  private named(
    values: 'P' | 'V',
    letter: string,
    names: NameLists,
    mismatch: (row: number, text: string) => void,
  ): RawTree | undefined {
    const tree = newTree();
    for (const [row, text] of this.values[values]) {
      const pairs = text.trim() === '' ? [] : names.pair(letter, row, text);
      if (pairs === undefined) {
        mismatch(row, text);
      }
      pairs?.forEach(([key, value]) => (tree[key] = value === '' ? null : numberOrText(value)));
    }
    return Object.keys(tree).length === 0 ? undefined : tree;
  }

  private structured(complain: (sentence: string) => void): RawTree {
    const { tree, problem } = parseUxml(this.uxml);
    if (problem !== undefined) {
      complain(`its #UXML lines are not as they should be: ${problem}.`);
    }
    return tree;
  }
}

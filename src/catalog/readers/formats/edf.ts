import type { RawTree } from '../metadata-readers.port.js';
import type { FileSource } from './file-source.js';
import { numberOrText } from './numbers.js';
import { newTree, type ReadingDraft } from './reading-draft.js';

const MOST_HEADER_BYTES = 1_048_576;
const MOST_FRAMES = 100_000;
/** Headers are filled up with blanks to a multiple of this. */
const BLOCK_BYTES = 512;

const TYPE_BYTES: Readonly<Record<string, number>> = {
  signedbyte: 1,
  unsignedbyte: 1,
  signedshort: 2,
  unsignedshort: 2,
  signedinteger: 4,
  unsignedinteger: 4,
  signedlong: 4,
  unsignedlong: 4,
  signed64: 8,
  unsigned64: 8,
  float: 4,
  floatvalue: 4,
  real: 4,
  double: 8,
  doublevalue: 8,
};

interface Header {
  values: RawTree;
  /** Bytes of the header with its padding. */
  length: number;
}

/** EDF (ESRF data format): the first frame's header with its motors and counters, and how many frames there are. */
export function readEdf(source: FileSource, draft: ReadingDraft): void {
  const { raw } = draft;
  const first = headerAt(source, 0);
  if (first === undefined) {
    draft.complain('Its header has no end.');
    return;
  }
  raw['header'] = first.values;
  raw['width'] = first.values['Dim_1'];
  raw['height'] = first.values['Dim_2'];
  raw['dataType'] = first.values['DataType'];
  raw['byteOrder'] = first.values['ByteOrder'];
  raw['motors'] = pairs(first.values, 'motor');
  raw['counters'] = pairs(first.values, 'counter');
  raw['frames'] = countFrames(source, first, draft);
}

function headerAt(source: FileSource, at: number): Header | undefined {
  // Most headers have a block or some; only a longer one costs a longer read.
  for (let wanted = 4096; wanted <= MOST_HEADER_BYTES; wanted *= 16) {
    const text = source.read(at, wanted).toString('latin1');
    if (!/^\s*\{/.test(text)) {
      return undefined;
    }
    const end = text.indexOf('}');
    if (end !== -1) {
      const length = Math.ceil((end + 1) / BLOCK_BYTES) * BLOCK_BYTES;
      return { values: valuesOf(text.slice(text.indexOf('{') + 1, end)), length };
    }
    if (text.length < wanted) {
      return undefined;
    }
  }
  return undefined;
}

function valuesOf(text: string): RawTree {
  const values = newTree();
  for (const line of text.split(';')) {
    const equals = line.indexOf('=');
    const key = line.slice(0, Math.max(equals, 0)).trim();
    if (key !== '') {
      values[key] = numberOrText(line.slice(equals + 1).trim());
    }
  }
  return values;
}

/** `motor_mne = sx sy ;` beside `motor_pos = 1.2 0 ;` */
function pairs(values: RawTree, what: string): RawTree | undefined {
  const [names, positions] = [`${what}_mne`, `${what}_pos`].map((key) => {
    const value = values[key];
    return typeof value === 'string' || typeof value === 'number' ? String(value).split(/\s+/) : [];
  });
  if (names === undefined || positions === undefined || names.length === 0 || names.length !== positions.length) {
    return undefined;
  }
  return newTree(names.map((name, index) => [name, numberOrText(positions[index] ?? '')] as const));
}

function dataBytes(values: RawTree): number | undefined {
  const size = values['Size'] ?? values['EDF_BinarySize'];
  if (typeof size === 'number' && size >= 0) {
    return size;
  }
  const type = values['DataType'];
  const bytes = typeof type === 'string' ? TYPE_BYTES[type.toLowerCase()] : undefined;
  const [width, height] = [values['Dim_1'], values['Dim_2'] ?? 1];
  return bytes === undefined || typeof width !== 'number' || typeof height !== 'number' || width < 0 || height < 0
    ? undefined
    : bytes * width * height;
}

function countFrames(source: FileSource, first: Header, draft: ReadingDraft): number {
  let frames = 0;
  let at = 0;
  let header: Header | undefined = first;
  while (header !== undefined && frames < MOST_FRAMES) {
    const size = dataBytes(header.values);
    if (size === undefined) {
      draft.complain(`Frame ${frames + 1} does not say how large it is.`);
      return frames;
    }
    at += header.length + size;
    if (at > source.size) {
      draft.complain(`The file is truncated: frame ${frames + 1} reaches to byte ${at}, the file has ${source.size}.`);
      return frames;
    }
    frames += 1;
    header = at < source.size ? headerAt(source, at) : undefined;
  }
  return frames;
}

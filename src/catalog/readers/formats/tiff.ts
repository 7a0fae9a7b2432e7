import type { FileSource } from './file-source.js';
import { parseHeaderLines } from './header-lines.js';
import { numberOrText } from './numbers.js';
import { DamagedFile, newTree, type ReadingDraft } from './reading-draft.js';
import { COMPRESSIONS, DATA_TAGS, SAMPLE_FORMATS, TAG_NAMES } from './tiff-tags.js';
import { type Directory, type Entry, TiffDirectories } from './tiff-directories.js';

/** Frames beyond these are not counted: each is a directory of its own, somewhere else in the file. */
const MOST_FRAMES = 100_000;
/** Values of one tag that are kept. */
const MOST_VALUES = 32;
/** The area detector's TIFF plug-in writes its own facts from here on, its attributes from 65010 as "Name:value". */
const FIRST_EPICS_TAG = 65_000;
const FIRST_ATTRIBUTE_TAG = 65_010;
const EPICS_TAGS: Readonly<Record<number, string>> = {
  65_000: 'NDTimeStamp',
  65_001: 'NDUniqueId',
  65_002: 'EPICSTSSec',
  65_003: 'EPICSTSNsec',
};

/** TIFF and BigTIFF: the tags of the first image, and how many images there are. Pixels are not looked at. */
export function readTiff(source: FileSource, draft: ReadingDraft): void {
  const directories = new TiffDirectories(source);
  const first = directories.read(directories.first);
  describe(first, draft);
  requireData(source, first, draft);
  draft.raw['frames'] = countFrames(directories, first, draft);
}

function describe(first: Directory, draft: ReadingDraft): void {
  const { raw } = draft;
  const tags = newTree();
  const attributes = newTree();
  for (const entry of first.entries) {
    if (entry.tag >= FIRST_EPICS_TAG) {
      addAttribute(attributes, entry);
    } else if (!DATA_TAGS.has(entry.tag)) {
      addTag(tags, entry);
    }
  }
  const number = (tag: number) => first.numbers(tag, 1)[0];
  raw['width'] = number(256);
  raw['height'] = number(257);
  raw['frames'] = 1;
  raw['bitsPerSample'] = number(258) ?? 1;
  raw['samplesPerPixel'] = number(277) ?? 1;
  const format = number(339) ?? 1;
  raw['sampleFormat'] = SAMPLE_FORMATS[format] ?? format;
  const compression = number(259) ?? 1;
  raw['compression'] = COMPRESSIONS[compression] ?? compression;
  raw['description'] = first.text(270);
  raw['software'] = first.text(305);
  raw['dateTime'] = first.text(306);
  const header = parseHeaderLines(first.text(270) ?? '');
  if (Object.keys(header).length > 0) {
    raw['header'] = header;
  }
  raw['tags'] = tags;
  if (Object.keys(attributes).length > 0) {
    raw['attributes'] = attributes;
  }
  if (raw['width'] === undefined || raw['height'] === undefined) {
    draft.complain('Its first image does not say how large it is.');
  }
}

function addTag(tags: Record<string, unknown>, entry: Entry): void {
  const value = entry.value(MOST_VALUES);
  if (value !== undefined) {
    tags[TAG_NAMES[entry.tag] ?? String(entry.tag)] = value;
  }
}

function addAttribute(attributes: Record<string, unknown>, entry: Entry): void {
  const value = entry.value(MOST_VALUES);
  const colon = typeof value === 'string' ? value.indexOf(':') : -1;
  if (entry.tag >= FIRST_ATTRIBUTE_TAG && typeof value === 'string' && colon > 0) {
    attributes[value.slice(0, colon)] = numberOrText(value.slice(colon + 1).trim());
  } else if (value !== undefined) {
    attributes[EPICS_TAGS[entry.tag] ?? String(entry.tag)] = value;
  }
}

/** Whether the pixels of the first image lie within the file: writers write the directory first. */
function requireData(source: FileSource, first: Directory, draft: ReadingDraft): void {
  const isTiled = first.has(324);
  const offsets = first.numbers(isTiled ? 324 : 273, Infinity);
  const lengths = first.numbers(isTiled ? 325 : 279, Infinity);
  const end = offsets.reduce((furthest, offset, at) => Math.max(furthest, offset + (lengths[at] ?? 0)), 0);
  if (end > source.size) {
    draft.complain(`The file is truncated: its first image reaches to byte ${end}, the file has ${source.size}.`);
  } else if (offsets.length === 0) {
    draft.complain('Its first image has no data.');
  }
}

function countFrames(directories: TiffDirectories, first: Directory, draft: ReadingDraft): number {
  const seen = new Set([directories.first]);
  let { next } = first;
  while (next !== 0) {
    if (seen.has(next)) {
      draft.complain('Its images refer to each other in a circle.');
      break;
    }
    if (seen.size >= MOST_FRAMES) {
      draft.omitted.push(`frames (more than ${MOST_FRAMES} were not counted)`);
      break;
    }
    try {
      seen.add(next);
      next = directories.next(next);
    } catch (error) {
      if (!(error instanceof DamagedFile)) {
        throw error;
      }
      draft.complain(`After ${seen.size - 1} images: ${error.message}`);
      return seen.size - 1;
    }
  }
  return seen.size;
}

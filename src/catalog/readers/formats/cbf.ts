import type { FileSource } from './file-source.js';
import { parseHeaderLines } from './header-lines.js';
import { numberOrText } from './numbers.js';
import { newTree, type ReadingDraft } from './reading-draft.js';

/** Headers are some KB; what comes behind this is pixels, or no CBF. */
const MOST_HEADER_BYTES = 1_048_576;
const BINARY_SECTION = '--CIF-BINARY-FORMAT-SECTION--';
/** Ends the header of the binary section; the compressed pixels follow. */
const BINARY_START = Buffer.from([0x0c, 0x1a, 0x04, 0xd5]);

/** CBF and miniCBF: the text header of the detector, and the header of the binary section. */
export function readCbf(source: FileSource, draft: ReadingDraft): void {
  const bytes = source.read(0, MOST_HEADER_BYTES);
  const start = bytes.indexOf(BINARY_START);
  const text = bytes.toString('utf8', 0, start === -1 ? bytes.length : start);
  const section = text.indexOf(BINARY_SECTION);
  const head = section === -1 ? text : text.slice(0, section);
  const { raw } = draft;
  raw['version'] = /^###CBF:\s*VERSION\s+(\S+)/.exec(head)?.[1];
  raw['dataBlock'] = /^data_(\S+)/m.exec(head)?.[1];
  raw['convention'] = /_array_data\.header_convention\s+"?([^"\r\n]+)/.exec(head)?.[1]?.trim();
  raw['header'] = parseHeaderLines(head);
  raw['items'] = itemsOf(head);
  if (section === -1) {
    draft.complain('It has no binary section, where the image should be.');
    return;
  }
  readBinarySection(text.slice(section), start === -1 ? undefined : start + BINARY_START.length, source, draft);
}

/** `_key value` pairs of full CBF files; loops are tables and stay out. */
function itemsOf(head: string): Record<string, unknown> {
  const items = newTree();
  for (const [, key = '', quoted, word] of head.matchAll(
    /^(_[\w.[\]/-]+)[ \t]+(?:["']([^"'\r\n]*)["']|([^\s;"']\S*))/gm,
  )) {
    if (!key.startsWith('_array_data.')) {
      items[key.slice(1)] = quoted ?? numberOrText(word ?? '');
    }
  }
  return items;
}

function readBinarySection(text: string, dataAt: number | undefined, source: FileSource, draft: ReadingDraft): void {
  const binary = newTree();
  for (const [, key = '', value = ''] of text.matchAll(/^(X-Binary-[\w-]+|Content-[\w-]+):[ \t]*(.*?)[ \t]*\r?$/gm)) {
    binary[key] = numberOrText(value.replace(/^"(.*)"$/, '$1'));
  }
  const compression = /conversions="?([\w-]+)/.exec(text)?.[1];
  const { raw } = draft;
  raw['width'] = binary['X-Binary-Size-Fastest-Dimension'];
  raw['height'] = binary['X-Binary-Size-Second-Dimension'];
  raw['frames'] = 1;
  raw['elementType'] = binary['X-Binary-Element-Type'];
  raw['compression'] = compression;
  raw['binary'] = binary;
  const size = binary['X-Binary-Size'];
  if (dataAt === undefined) {
    draft.complain('The file ends before its image begins.');
  } else if (typeof size === 'number' && dataAt + size > source.size) {
    draft.complain(`The file is truncated: its image reaches to byte ${dataAt + size}, the file has ${source.size}.`);
  }
}

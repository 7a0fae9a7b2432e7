import { COLUMNS, type ColumnName, type Field } from './filter-ast.js';
import { refuse } from './filter.errors.js';

const MAX_SEGMENTS = 32;

/**
 * Reads `sizeBytes` or `metadata.scan.exposure`. A dot or a backslash that belongs to a key is written with a backslash
 * in front: `metadata.exposure\.time`.
 *
 * @throws StationError FILTER_FIELD_UNKNOWN.
 */
export function parseField(text: string, at: string): Field {
  if (Object.hasOwn(COLUMNS, text)) {
    const name = text as ColumnName;
    return { kind: 'column', name, ...COLUMNS[name] };
  }
  const [root, ...path] = splitPath(text, at);
  if (root !== 'metadata' || path.length === 0) {
    throw refuse(
      'FILTER_FIELD_UNKNOWN',
      at,
      `there is no field ${text}. Use ${Object.keys(COLUMNS).join(', ')} or metadata.KEY with dots between keys.`,
    );
  }
  if (path.length > MAX_SEGMENTS || path.includes('')) {
    throw refuse('FILTER_FIELD_UNKNOWN', at, `a metadata path has 1 to ${MAX_SEGMENTS} keys, none of them empty.`);
  }
  return { kind: 'metadata', path };
}

function splitPath(text: string, at: string): string[] {
  const segments: string[] = [];
  let segment = '';
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (char === '.') {
      segments.push(segment);
      segment = '';
    } else if (char === '\\') {
      index += 1;
      const next = text.charAt(index);
      if (next !== '.' && next !== '\\') {
        throw refuse('FILTER_FIELD_UNKNOWN', at, 'a backslash in a field stands before a dot or a backslash only.');
      }
      segment += next;
    } else {
      segment += char;
    }
  }
  return [...segments, segment];
}

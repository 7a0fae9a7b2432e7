import { parseAllDocuments } from 'yaml';
import { messageOf } from '../../../kernel/errors.js';
import { isPlainObject } from '../../../kernel/plain-object.js';
import type { FileSource } from './file-source.js';
import type { ReadingDraft } from './reading-draft.js';

/** A side file describes; a larger one is data. Parsed, it takes about ten times its size in memory. */
const MOST_JSON_BYTES = 8_388_608;
const MOST_YAML_BYTES = 1_048_576;
/** Each alias repeats a part of the document: a short document of aliases to aliases can be endless. */
const MOST_ALIASES = 100;

export function readJson(source: FileSource, draft: ReadingDraft): void {
  const text = textOf(source, MOST_JSON_BYTES, draft);
  if (text !== undefined) {
    attempt(draft, 'JSON', () => keep(draft, JSON.parse(text)));
  }
}

export function readYaml(source: FileSource, draft: ReadingDraft): void {
  const text = textOf(source, MOST_YAML_BYTES, draft);
  if (text === undefined) {
    return;
  }
  attempt(draft, 'YAML', () => {
    const documents = parseAllDocuments(text, { logLevel: 'silent', prettyErrors: true });
    const list = 'empty' in documents ? [] : documents;
    for (const error of list.flatMap((document) => document.errors).slice(0, 3)) {
      draft.complain(`It is no valid YAML: ${firstLine(error.message)}.`);
    }
    const contents = list.map((document) => document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown);
    keep(draft, contents.length === 1 ? contents[0] : contents);
  });
}

function textOf(source: FileSource, most: number, draft: ReadingDraft): string | undefined {
  if (source.size > most) {
    draft.complain(
      `It is larger than ${most} bytes, and was not read: side files describe data, they do not hold them.`,
    );
    return undefined;
  }
  return source.text();
}

function attempt(draft: ReadingDraft, format: string, parse: () => void): void {
  try {
    parse();
  } catch (error) {
    draft.complain(`It is no valid ${format}: ${firstLine(messageOf(error))}.`);
  }
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]?.replace(/[:.]$/, '') ?? '';
}

function keep(draft: ReadingDraft, content: unknown): void {
  for (const [key, value] of Object.entries(isPlainObject(content) ? content : { content })) {
    draft.raw[key] = value; // a tree without prototype: even `__proto__` is a key like any other
  }
}

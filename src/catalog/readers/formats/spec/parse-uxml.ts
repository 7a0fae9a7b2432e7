import type { RawTree } from '../../metadata-readers.port.js';
import { numberOrText } from '../numbers.js';
import { newTree } from '../reading-draft.js';

const TOKEN =
  /<(\/?)([A-Za-z_][\w.-]*)((?:\s+[\w:.-]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|<!--[\s\S]*?-->|([^<]+)/y;
const ATTRIBUTE = /([\w:.-]+)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/g;
const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const MOST_DEPTH = 20;

interface Element {
  tag: string;
  name: string;
  tree: RawTree;
  text: string;
  hasChildren: boolean;
}

/**
 * The XML of spec2nexus in `#UXML` lines: `<group name="…">` holds groups and `<dataset name="…" units="…">value</dataset>`.
 * It becomes a tree like that of an HDF5 file: attributes under `@name`, a data set with its `value`. What is well-formed
 * is kept, and `problem` tells the first thing that is not.
 */
export function parseUxml(text: string): { tree: RawTree; problem: string | undefined } {
  const root: Element = { tag: '', name: '', tree: newTree(), text: '', hasChildren: true };
  const open = [root];
  let problem: string | undefined;
  const note = (sentence: string) => (problem ??= sentence);
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(text);
    if (token === null) {
      note(`no XML at "${text.slice(at, at + 20).trim()}"`);
      break;
    }
    const [, slash, tag, attributes, selfClosing, content] = token;
    const top = open.at(-1) ?? root;
    if (content !== undefined) {
      top.text += content;
    } else if (slash === '/' && tag !== undefined) {
      if (open.length === 1 || top.tag !== tag) {
        note(`</${tag}> closes nothing`);
        continue;
      }
      open.pop();
      close(top, open.at(-1) ?? root, note);
    } else if (tag !== undefined) {
      const element = begin(tag, attributes ?? '');
      top.hasChildren = true;
      if (selfClosing === '/') {
        close(element, top, note);
      } else if (open.length <= MOST_DEPTH) {
        open.push(element);
      } else {
        note(`it is nested deeper than ${MOST_DEPTH} levels`);
        break;
      }
    }
  }
  while (open.length > 1) {
    const element = open.pop();
    if (element !== undefined) {
      note(`<${element.tag} name="${element.name}"> is never closed`);
      close(element, open.at(-1) ?? root, note);
    }
  }
  return { tree: root.tree, problem };
}

function begin(tag: string, attributes: string): Element {
  const element: Element = { tag, name: tag, tree: newTree(), text: '', hasChildren: tag === 'group' };
  for (const [, key = '', double, single] of attributes.matchAll(ATTRIBUTE)) {
    const value = decode(double ?? single ?? '');
    if (key === 'name') {
      element.name = value;
    } else {
      element.tree[`@${key}`] = value;
    }
  }
  return element;
}

function close(element: Element, parent: Element, note: (sentence: string) => void): void {
  const text = decode(element.text).trim();
  if (!element.hasChildren) {
    element.tree['value'] = numberOrText(text);
  } else if (text !== '') {
    note(`there is text within <${element.tag} name="${element.name}">`);
  }
  parent.tree[element.name] = element.tree;
}

function decode(text: string): string {
  return text.replace(/&(\w+);/g, (all, name: string) => ENTITIES[name] ?? all);
}

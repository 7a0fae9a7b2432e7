import { isPlainObject } from '../../../../kernel/plain-object.js';
import type { RawTree } from '../../metadata-readers.port.js';
import { newTree } from '../reading-draft.js';

const MOST_NOTES = 200;

/**
 * What NeXus says about a file beyond its tree: its entries with their application definitions, which data set each NXdata
 * group plots over which axes, and which links lead into other files.
 */
export class NexusNotes {
  private readonly entries: RawTree[] = [];
  private readonly data: RawTree[] = [];
  private readonly externalLinks: RawTree[] = [];
  private readonly virtualDatasets: string[] = [];
  private defaultPath: unknown;

  /** Called for each group once all of it is in `tree`. */
  group(path: string, tree: RawTree): void {
    if (path === '/') {
      this.defaultPath = tree['@default'];
    }
    const kind = tree['@NX_class'];
    if ((kind === 'NXentry' || kind === 'NXsubentry') && this.entries.length < MOST_NOTES) {
      this.entries.push(
        newTree([
          ['path', path],
          ['definition', valueOf(tree['definition'])],
          ['default', tree['@default']],
        ]),
      );
    } else if (kind === 'NXdata' && this.data.length < MOST_NOTES) {
      this.data.push(plotOf(path, tree));
    }
  }

  externalLink(path: string, file: string, target: string): void {
    if (this.externalLinks.length < MOST_NOTES) {
      this.externalLinks.push(
        newTree([
          ['path', path],
          ['file', file],
          ['target', target],
        ]),
      );
    }
  }

  virtualDataset(path: string): void {
    if (this.virtualDatasets.length < MOST_NOTES) {
      this.virtualDatasets.push(path);
    }
  }

  /** Undefined where there is nothing to note. */
  tree(): RawTree | undefined {
    const lists = { entries: this.entries, data: this.data, externalLinks: this.externalLinks };
    const tree = newTree(Object.entries(lists).filter(([, list]) => list.length > 0));
    if (this.virtualDatasets.length > 0) {
      tree['virtualDatasets'] = this.virtualDatasets;
    }
    if (this.defaultPath !== undefined && this.defaultPath !== null) {
      tree['default'] = this.defaultPath;
    }
    return Object.keys(tree).length === 0 ? undefined : tree;
  }
}

/** Signal and axes: attributes of the group today, attributes of the data sets in older files. */
function plotOf(path: string, tree: RawTree): RawTree {
  const children = Object.entries(tree).filter(([name]) => !name.startsWith('@'));
  const old = children.find(([, child]) => [1, '1'].includes(attribute(child, 'signal') as number | string));
  const signal = tree['@signal'] ?? old?.[0];
  const target = typeof signal === 'string' ? tree[signal] : undefined;
  return newTree([
    ['path', path],
    ['signal', signal],
    ['axes', listOf(tree['@axes'] ?? attribute(old?.[1], 'axes')) ?? axesByNumber(children)],
    ['shape', isPlainObject(target) ? target['shape'] : undefined],
  ]);
}

/** `a:b`, `[a,b]` and `a,b` in older files. */
function listOf(axes: unknown): unknown {
  return typeof axes === 'string' ? axes.replace(/^\[|\]$/g, '').split(/\s*[:,]\s*/) : axes;
}

/** Data sets with an attribute `axis`: the number of the dimension that they label. */
function axesByNumber(children: readonly [string, unknown][]): string[] | undefined {
  const axes = children
    .map(([name, child]) => ({ name, axis: Number(attribute(child, 'axis') ?? NaN) }))
    .filter(({ axis }) => Number.isInteger(axis))
    .sort((one, other) => one.axis - other.axis);
  return axes.length === 0 ? undefined : axes.map(({ name }) => name);
}

function attribute(child: unknown, name: string): unknown {
  return isPlainObject(child) ? child[`@${name}`] : undefined;
}

/** Many writers make lists of one element of what is one value. */
function valueOf(child: unknown): unknown {
  const value = isPlainObject(child) ? child['value'] : undefined;
  return Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value;
}

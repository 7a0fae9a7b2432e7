import { FILE_FORMATS, type FileFormat } from '../metadata-readers.port.js';

/** A metadata reader as the station manager sees and sets it. */
export interface ReaderDefinition {
  /** Of a built-in reader its format. */
  name: string;
  isBuiltIn: boolean;
  isEnabled: boolean;
  /** Readers are asked in this order, lowest first; the first one that fits reads the file. */
  order: number;
  /** Files of these formats, by content. */
  formats: FileFormat[];
  /** Files whose path in the experiment, or name alone, one of these shell wildcards fits. */
  files: string[];
  /** Absolute path of an executable and its arguments; null for a built-in reader. */
  command: string[] | null;
  environment: Record<string, string>;
  /** Per file. */
  timeoutSeconds: number;
  /** Built-in: resident size of the reader process. Custom: address space of the executable. */
  memoryMegabytes: number;
  /** RFC 3339; null while a built-in reader has its defaults. */
  updatedAt: string | null;
  updatedBy: string | null;
}

/** What can be set. */
export type ReaderSettings = Omit<ReaderDefinition, 'name' | 'isBuiltIn' | 'updatedAt' | 'updatedBy'>;

/** Custom readers come before the built-in ones: who defines one for HDF5 wants it instead. */
export const CUSTOM_ORDER = 100;
const BUILT_IN_ORDER = 500;
/** A file of some MB takes milliseconds; one that takes longer than this is damaged, or on a disk that is. */
const BUILT_IN_TIMEOUT_SECONDS = 30;
const BUILT_IN_MEMORY_MEGABYTES = 1024;

export function isBuiltIn(name: string): name is FileFormat {
  return (FILE_FORMATS as readonly string[]).includes(name);
}

export function builtInDefinition(format: FileFormat): ReaderDefinition {
  return {
    name: format,
    isBuiltIn: true,
    isEnabled: true,
    order: BUILT_IN_ORDER,
    formats: [format],
    files: [],
    command: null,
    environment: {},
    timeoutSeconds: BUILT_IN_TIMEOUT_SECONDS,
    memoryMegabytes: BUILT_IN_MEMORY_MEGABYTES,
    updatedAt: null,
    updatedBy: null,
  };
}

/** The built-in readers with what is stored for them, and the custom ones, in the order in which they are asked. */
export function withBuiltIns(stored: readonly ReaderDefinition[]): ReaderDefinition[] {
  const names = new Set(stored.map(({ name }) => name));
  const defaults = FILE_FORMATS.filter((format) => !names.has(format)).map(builtInDefinition);
  return [...stored, ...defaults].sort((one, other) => one.order - other.order || (one.name < other.name ? -1 : 1));
}

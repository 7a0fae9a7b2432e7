import { accessSync, constants, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import type { FileFormat } from '../metadata-readers.port.js';
import { readerInvalid } from '../reader.errors.js';
import { builtInDefinition, CUSTOM_ORDER, isBuiltIn, type ReaderSettings } from './reader-definition.js';

/** The reader process itself takes some 150 MB before it reads anything. */
const LEAST_BUILT_IN_MEGABYTES = 256;
const CUSTOM_TIMEOUT_SECONDS = 60;
const CUSTOM_MEMORY_MEGABYTES = 4096;

/** What is said of a reader; what is left out has its default. */
export type GivenSettings = Partial<ReaderSettings>;

/**
 * Settings that can be used, with defaults in their places.
 *
 * @throws StationError READER_INVALID that says what to write instead.
 */
export function checkedSettings(name: string, given: GivenSettings): ReaderSettings {
  return isBuiltIn(name) ? builtInSettings(name, given) : customSettings(name, given);
}

function builtInSettings(format: FileFormat, given: GivenSettings): ReaderSettings {
  const defaults = builtInDefinition(format);
  const { isEnabled, order, timeoutSeconds, memoryMegabytes } = given;
  const isFixed =
    (given.command ?? null) === null &&
    (given.files ?? []).length === 0 &&
    Object.keys(given.environment ?? {}).length === 0 &&
    (given.formats ?? [format]).every((each) => each === format);
  if (!isFixed) {
    throw readerInvalid(
      `${format} is a built-in reader: it can be switched off, moved, and given other limits. A reader of your own ` +
        'needs another name.',
      { name: format },
    );
  }
  if (memoryMegabytes !== undefined && memoryMegabytes < LEAST_BUILT_IN_MEGABYTES) {
    throw readerInvalid(`memoryMegabytes must be ${LEAST_BUILT_IN_MEGABYTES} or more for a built-in reader.`);
  }
  return {
    ...defaults,
    isEnabled: isEnabled ?? defaults.isEnabled,
    order: order ?? defaults.order,
    timeoutSeconds: timeoutSeconds ?? defaults.timeoutSeconds,
    memoryMegabytes: memoryMegabytes ?? defaults.memoryMegabytes,
  };
}

function customSettings(name: string, given: GivenSettings): ReaderSettings {
  const { command, formats = [], files = [] } = given;
  if (command === undefined || command === null || command[0] === undefined) {
    throw readerInvalid('Give command: the absolute path of an executable, and its arguments.', { name });
  }
  if (formats.length === 0 && files.length === 0) {
    throw readerInvalid('Say which files it reads: formats, files (wildcards such as "*.dat"), or both.', { name });
  }
  requireExecutable(command[0]);
  return {
    isEnabled: given.isEnabled ?? true,
    order: given.order ?? CUSTOM_ORDER,
    formats,
    files,
    command,
    environment: given.environment ?? {},
    timeoutSeconds: given.timeoutSeconds ?? CUSTOM_TIMEOUT_SECONDS,
    memoryMegabytes: given.memoryMegabytes ?? CUSTOM_MEMORY_MEGABYTES,
  };
}

function requireExecutable(path: string): void {
  if (!isAbsolute(path)) {
    throw readerInvalid(`${path} is no absolute path; write for example /usr/local/bin/read-header.`, { path });
  }
  try {
    accessSync(path, constants.X_OK);
    if (statSync(path).isFile()) {
      return;
    }
  } catch {
    // Told below, with the same words as a directory.
  }
  throw readerInvalid(`There is no file at ${path} on the station's machine that the station may execute.`, { path });
}

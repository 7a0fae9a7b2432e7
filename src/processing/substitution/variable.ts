import { StationError } from '../../kernel/errors.js';
import { pathToText, textToPath } from '../../kernel/path-text.js';

/**
 * The value of a `$name`. Values are bytes, since a file name is bytes; `text` is the reversible text form in which
 * records and the API show it.
 */
export interface Variable {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** What a command may refer to as `$name`; anything else with a dollar sign belongs to the shell. */
export const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Job arguments and facts that hold a path. They are given in the text form of paths and reach the stage as the bytes
 * of the name on the disk; every other argument is taken literally.
 */
export const PATH_VARIABLES: ReadonlySet<string> = new Set([
  'filePath',
  'experimentFilePath',
  'fileName',
  'sourcePath',
  'dataDirectory',
  'dataDir',
  'analysisDirectory',
  'storageDirectory',
]);

export function variableFromText(text: string): Variable {
  const bytes = Buffer.from(text, 'utf8');
  return { bytes, text: pathToText(bytes) };
}

export function variableFromBytes(bytes: Uint8Array): Variable {
  return { bytes, text: pathToText(bytes) };
}

/** @throws StationError PATH_TEXT_INVALID when `text` is not the text form of a path. */
export function variableFromPathText(text: string, name = 'path'): Variable {
  try {
    return { bytes: textToPath(text), text };
  } catch (error) {
    const reason = error instanceof Error ? error.message : '';
    throw new StationError('invalid', 'PATH_TEXT_INVALID', `${name} is not a path in its text form. ${reason}`, {
      cause: error,
      details: { name },
    });
  }
}

/**
 * The variable that an argument becomes: text as it is, numbers and booleans as JSON writes them, lists and objects as
 * JSON text; `null` is an undefined variable.
 *
 * @throws StationError ARGUMENT_INVALID for text that no command line can carry (U+0000, half a surrogate pair).
 */
export function variableFromArgument(name: string, value: unknown): Variable | undefined {
  if (value === null || value === undefined) {
    return undefined;
  }
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (text.includes('\0') || !text.isWellFormed()) {
    throw new StationError(
      'invalid',
      'ARGUMENT_INVALID',
      `The argument ${name} holds a character that no command can receive (U+0000 or half of a surrogate pair).`,
      { details: { argument: name } },
    );
  }
  return PATH_VARIABLES.has(name) ? variableFromPathText(text, name) : variableFromText(text);
}

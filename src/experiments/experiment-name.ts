/**
 * Names become directories, parts of URLs, arguments of commands and names of groups and collections. So: ASCII letters,
 * digits, dot, dash and underscore; no dot or dash in front (hidden, or taken for an option), no dot at the end (lost on
 * file systems that Windows reads), and room below 255 bytes for what is appended to a name.
 */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
export const MAX_NAME_LENGTH = 100;

const MAX_ROOT_PATH_LENGTH = 255;
const MAX_ROOT_PATH_DEPTH = 8;

/** What is wrong with this name of an experiment, as the rest of a sentence; null when nothing is. */
export function experimentNameProblem(name: string): string | null {
  if (name === '') {
    return 'must not be empty';
  }
  if (name.length > MAX_NAME_LENGTH) {
    return `must have at most ${MAX_NAME_LENGTH} characters`;
  }
  if (!NAME.test(name)) {
    return 'must begin with a letter or a digit and hold only letters (a-z, A-Z), digits, dots, dashes and underscores';
  }
  return name.endsWith('.') ? 'must not end with a dot' : null;
}

/** The same for the path between the station's directory and the experiment's. */
export function rootPathProblem(rootPath: string): string | null {
  if (rootPath.startsWith('/')) {
    return 'must be relative: it begins below the directory of the station';
  }
  if (rootPath.length > MAX_ROOT_PATH_LENGTH) {
    return `must have at most ${MAX_ROOT_PATH_LENGTH} characters`;
  }
  const parts = rootPath.split('/');
  if (parts.length > MAX_ROOT_PATH_DEPTH) {
    return `must have at most ${MAX_ROOT_PATH_DEPTH} levels`;
  }
  for (const part of parts) {
    const problem = part === '' ? 'must not be empty (no double or final slash)' : experimentNameProblem(part);
    if (problem !== null) {
      return `each directory in it ${problem}`;
    }
  }
  return null;
}

const DOT = '.';

/**
 * `h5`, `.H5` and `h5 ` are the same ending, `tar.gz` is one of two parts: without the dot in front, in lower case, since
 * detectors write `.TIF` and `.tif` alike.
 */
export function normalisedExtension(text: string): string {
  return text.trim().replace(/^\.+/, '').toLowerCase();
}

/** Whether a name ends in one of these; a name that is nothing but the ending (`.h5`) has none. `extensions`: normalised. */
export function hasExtension(name: string, extensions: readonly string[]): boolean {
  const lower = name.toLowerCase();
  return extensions.some((extension) => lower.length > extension.length + 1 && lower.endsWith(`${DOT}${extension}`));
}

/**
 * URL of a worker thread's entry file beside the module `importer`. Specs run from the TypeScript sources, but a thread
 * needs JavaScript: there it is the built twin below `dist`, which the bootstrap keeps fresh.
 */
export function workerUrl(importer: string, file: string): URL {
  const url = new URL(file, importer);
  if (!importer.endsWith('.ts')) {
    return url;
  }
  const at = url.pathname.lastIndexOf('/src/');
  return new URL(`file://${url.pathname.slice(0, at)}/dist${url.pathname.slice(at)}`);
}

/** Compiles what changed in the clone at `root` with the given Node.js. */
export function build(root: string, node: string): void;
/** Whether `dist` is the build of the sources as they are. */
export function isBuildFresh(root: string): boolean;

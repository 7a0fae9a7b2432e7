import { build } from '../../src/tools/setup/build.mjs';
import { stationNode } from '../../src/tools/setup/node-runtime.mjs';
import { repositoryRoot } from './repository-root.js';

/** The end-to-end tests run the station as users do: from the build, which must be that of the sources. */
export default function setUp(): void {
  build(repositoryRoot, stationNode());
}

import { DestinationDirectories } from './destination-directories.js';
import { SourceDirectories } from './source-directories.js';

/** The directories that the files of one batch come from and go to. */
export class BatchDirectories {
  readonly sources = new SourceDirectories();
  readonly destinations = new DestinationDirectories();

  close(): void {
    this.sources.close();
    this.destinations.close();
  }
}

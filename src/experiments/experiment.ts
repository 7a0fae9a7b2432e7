import type { ExperimentRole } from '../auth/index.js';

/** What data belong to. Times are RFC 3339 in UTC, directories absolute paths in the storage area. */
export interface Experiment {
  id: number;
  /** Unique in the station, also without regard to case; fixed for the life of the experiment. */
  name: string;
  stationName: string;
  /** Directories between the station's and the experiment's, such as `2026-3/visitors`. */
  rootPath: string | null;
  type: string;
  description: string;
  startDate: string | null;
  endDate: string | null;
  storageDirectory: string;
  dataDirectory: string;
  analysisDirectory: string;
  systemDirectory: string;
  createdAt: string;
  updatedAt: string;
}

export interface ExperimentType {
  id: number;
  name: string;
  description: string;
}

export interface ExperimentMember {
  username: string;
  role: ExperimentRole;
  firstName: string | null;
  lastName: string | null;
  addedAt: string;
}

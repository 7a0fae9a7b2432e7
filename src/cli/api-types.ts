/** Shapes of the station's answers, as far as the commands read them. Sizes in bytes, times RFC 3339 in UTC. */

export interface LoginAnswer {
  token: string;
  expiresAt: string;
  user: UserAnswer;
  passwordChangeRequired: boolean;
}

export interface UserAnswer {
  username: string;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  roles: string[];
  disabled: boolean;
  createdAt: string;
}

export interface MeAnswer {
  user: UserAnswer;
  credential: 'session' | 'token';
  roles: string[];
  expiresAt: string;
  passwordChangeRequired: boolean;
}

export interface TokenAnswer {
  id: number;
  name: string;
  username: string;
  roles: string[] | null;
  createdAt: string;
  expiresAt: string;
  lastUsedAt: string | null;
}

export interface ExperimentAnswer {
  name: string;
  stationName: string;
  rootPath: string | null;
  type: string;
  description: string;
  startDate: string | null;
  endDate: string | null;
  storageDirectory: string;
  createdAt: string;
}

export interface MemberAnswer {
  username: string;
  role: string;
}

export interface Statistics {
  countFiles: number;
  totalBytes: number;
  meanBytes: number | null;
  minBytes: number | null;
  maxBytes: number | null;
  standardDeviationBytes: number | null;
}

export interface FileAnswer {
  id: string;
  path: string;
  name: string;
  version: number;
  sizeBytes: number;
  md5Sum: string | null;
  modifiedAt: string;
  storedAt: string;
  acquisitionId: string | null;
  jobId: string | null;
  replicas: { destination?: string; location: string; proof: string; verifiedAt: string }[];
  metadata: Record<string, unknown>;
  revision: number;
}

export interface Finding {
  code: string;
  message: string;
}

/** What `POST /experiments/{name}/ledger/actions` did. */
export interface LedgerActionAnswer {
  changed: number;
  left: { path: string; state: string; reason: string }[];
}

export interface AcquisitionAnswer {
  id: string;
  kind: 'upload' | 'monitor';
  status: string;
  experiment: string;
  dataDirectory: string;
  fileSystem: string | null;
  usesEvents: boolean;
  destDirectory: string;
  startedBy: string;
  createdAt: string;
  counts: AcquisitionCounts;
  startedAt: string | null;
  endedAt: string | null;
  errorMessage: string | null;
  stopAt: string | null;
  stoppedBy: string | null;
  endReason: string | null;
  lastFile?: { path: string; doneAt: string } | null;
  resumes: string | null;
  progress: {
    filesSettled: number;
    filesFound: number;
    filesPerSecond: number | null;
    bytesPerSecond: number | null;
    remainingSeconds: number | null;
  };
  /** Null while more files may be found. */
  percentageComplete: number | null;
  exitUpload: { acquisitionId: string } | { errorCode: string; errorMessage: string } | null;
  warnings: Finding[];
  preflight?: { verdict: 'ok' | 'warning'; findings: Finding[] };
}

export interface AcquisitionCounts {
  unverified?: number;
  found: number;
  settling: number;
  queued: number;
  active: number;
  done: number;
  failed: number;
  quarantined: number;
  skipped: number;
  cancelled: number;
  unchanged: number;
  bytesDone: number;
  bytesQuarantined?: number;
  bytesTotal: number;
}

export interface LedgerRow {
  id: string;
  path: string;
  version: number | null;
  state: string;
  reasonCode: string | null;
  reason: string | null;
  attempts: number;
  /** When a failed file is tried again. */
  dueAt: string | null;
  sizeBytes: number;
  /** Of the source. */
  modifiedAt: string;
  md5Sum: string | null;
}

export interface WhyFile {
  path: string;
  verdict: string;
  rows: (Omit<LedgerRow, 'path'> & {
    source: { host: string; path: string };
    warnings: { at: string; plugin: string; code: string; message: string }[];
    replicas: {
      destination: string;
      location: string;
      md5Sum: string | null;
      sizeBytes: number;
      proof: string;
      verifiedAt: string;
      trouble: { kind: string; reason: string | null } | null;
    }[];
    copies: { destination: string; state: string; reasonCode: string | null; reason: string | null; dueAt: string }[];
    timeline: { at: string; what: string }[];
  })[];
}

export interface WorkflowAnswer {
  owner: string;
  name: string;
  description?: string | null;
  version?: string | number | null;
  stages: Record<string, { command: string; workingDir?: string; outputVariableRegexList?: string[] }>;
}

export interface JobAnswer {
  id: string;
  status: string;
  owner: string;
  workflow: { owner: string; name: string };
  experiment: string | null;
  stage: string | null;
  /** Output variables found so far. */
  variables?: Record<string, string>;
  input?: { path: string } | null;
  submittedAt: string;
  startedAt: string | null;
  endedAt: string | null;
  errorMessage: string | null;
  stages?: JobStage[];
}

export interface JobStage {
  key: string;
  status: string;
  reason: string | null;
  childProcesses: ChildProcessAnswer[];
}

export interface ChildProcessAnswer {
  command: string;
  status: string;
  exitStatus: number | null;
  reason: string | null;
  /** The end of the output. */
  stdOut: string;
  stdErr: string;
  startTime: string | null;
  endTime: string | null;
}

export interface WhyJob {
  id: string;
  status: string;
  verdict: string;
  timeline: { at: string; what: string }[];
}

export interface AlarmAnswer {
  key: string;
  severity: string;
  message: string;
  action: string;
  count: number;
  raisedAt: string;
}

export interface DestinationAnswer {
  name: string;
  kind: string;
  address: string;
  default: boolean;
  required: boolean;
  status: string;
  message: string | null;
  copies: {
    waitingFiles: number;
    waitingBytes: number;
    copyingFiles: number;
    failedFiles: number;
    quarantinedFiles: number;
  };
}

export interface EventAnswer {
  id: number;
  type: string;
  at: string;
  subject: string | null;
  data: Record<string, unknown>;
}

export interface PluginAnswer {
  name: string;
  order: number;
  origin: 'station' | 'beamline';
  enabled: boolean;
  form: 'file' | 'batch';
  onError: 'fail' | 'warn' | 'retry' | null;
  timeoutSeconds: number | null;
  concurrency: number | null;
  restsUntil: string | null;
  calls: number;
  passed: number;
  warned: number;
  failed: number;
  waited: number;
  lastError: { at: string; path: string | null; message: string } | null;
}

export interface ReaderAnswer {
  name: string;
  isBuiltIn: boolean;
  isEnabled: boolean;
  order: number;
  formats: string[];
  files: string[];
  command: string[] | null;
  environment: Record<string, string>;
  timeoutSeconds: number;
  memoryMegabytes: number;
  updatedAt: string | null;
  updatedBy: string | null;
}

export interface ReaderTrialAnswer {
  format: string | null;
  reader: string | null;
  raw: Record<string, unknown> | null;
  complaint: string | null;
}

export interface AuditAnswer {
  id: string;
  experiment: string;
  status: string;
  phase: string;
  deep: boolean;
  byteBudget: number | null;
  bytesPerSecond: number | null;
  counts: {
    copies: number;
    files: number;
    documents: number;
    verified: number;
    bytesRead: number;
    touched: number;
    withoutDigest: number;
    copiesElsewhere: number;
    sourcesElsewhere: number;
  };
  /** Numbers by kind. */
  findings: Record<string, number>;
  repairs: { requested: number; repaired: number; obsolete: number; failed: number };
  breaker: string;
  isBudgetSpent: boolean;
  waitsFor: string | null;
  errorMessage: string | null;
  startedBy: string;
  createdAt: string;
  startedAt: string | null;
  endedAt: string | null;
}

export interface FindingAnswer {
  id: string;
  kind: string;
  severity: string;
  path: string;
  version: number | null;
  what: string;
  action: string | null;
  evidence: Record<string, unknown>;
  repair: { state: string; action: string | null; note: string | null } | null;
}

export interface FileTaskAnswer {
  id: string;
  kind: string;
  experiment: string;
  status: string;
  token: string | null;
  requestedBy: string;
  files: number;
  bytes: number;
  lastCopies: number;
  doneFiles: number;
  doneBytes: number;
  leftOutFiles: number;
  createdAt: string;
  startedAt: string | null;
  startedBy: string | null;
  endedAt: string | null;
  undoneBy: string | null;
  trashUntil: string | null;
}

export interface FileTaskItemAnswer {
  path: string;
  version: number;
  sizeBytes: number;
  md5Sum: string | null;
  state: string;
  reasonCode: string | null;
  reason: string | null;
  isInTrash: boolean;
  derived: { path: string; sizeBytes: number; md5Sum: string } | null;
}

/** Columns of table `job` under the names of `Job`. */
export const JOB_COLUMNS = `id, seq, request_key AS "requestKey", owner, requested_by AS "requestedBy",
  workflow_id AS "workflowId", workflow_owner AS "workflowOwner", workflow_name AS "workflowName", definition,
  experiment_id AS "experimentId", experiment_name AS "experimentName", args, facts, outputs, input,
  trigger_depth AS "triggerDepth", status, reason, stage, attempt, not_before AS "notBefore", stopped_by AS "stoppedBy",
  results_acquisition_id AS "resultsAcquisitionId", submitted_at AS "submittedAt", started_at AS "startedAt",
  ended_at AS "endedAt", lease_owner AS "leaseOwner", fence`;

/** Columns of table `job_stage` under the names of `JobStage`. */
export const STAGE_COLUMNS = `key, position, status, reason, started_at AS "startedAt", ended_at AS "endedAt"`;

/** Columns of table `job_process` under the names of `JobProcess`; sizes as JavaScript numbers. */
export const PROCESS_COLUMNS = `number, stage_key AS "stageKey", launch, status, reference, command,
  working_dir AS "workingDir", exit_status AS "exitStatus", reason, stdout_tail AS "stdoutTail",
  stderr_tail AS "stderrTail", stdout_bytes::float8 AS "stdoutBytes", stderr_bytes::float8 AS "stderrBytes",
  is_truncated AS "isTruncated", submitted_at AS "submittedAt", started_at AS "startedAt", ended_at AS "endedAt"`;

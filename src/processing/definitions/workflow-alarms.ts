/** Alarms about a definition. Both end when it is defined anew: then the next file shows whether that has helped. */
export function workflowAlarmKeys(owner: string, name: string): { missing: string; cycle: string } {
  return {
    missing: `processing.workflow-missing:${owner}/${name}`,
    cycle: `processing.workflow-cycle:${owner}/${name}`,
  };
}

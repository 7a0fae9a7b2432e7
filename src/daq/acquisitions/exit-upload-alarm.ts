/** Key of the alarm that an upload at the end of a monitor could not start; a person ends it with the monitor's record. */
export function exitUploadAlarm(monitorId: string): string {
  return `daq.exit-upload:${monitorId}`;
}

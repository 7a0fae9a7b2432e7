/**
 * Key of the alarm that an upload at the end of a monitor could not start; a person ends it by taking the monitor off the
 * list.
 */
export function exitUploadAlarm(monitorId: string): string {
  return `daq.exit-upload:${monitorId}`;
}

export { Alarms, type Alarm, type AlarmSeverity, type NewAlarm } from './alarms.js';

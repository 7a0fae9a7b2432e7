/** Path of a Node.js that is new enough for the station. */
export function stationNode(): string;
/** Whether the Node.js that runs this is new enough. */
export function runsOnStationNode(): boolean;

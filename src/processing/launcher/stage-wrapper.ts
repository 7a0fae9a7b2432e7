/**
 * The few lines of shell that surround a command; arguments: the attempt's directory, the shell, nothing else. First the
 * claim: `set -C` makes `>` fail on an existing file (O_EXCL), so of a late process and a station that has given up on it
 * only one gets through. The marker is this shell's line of the process table, which names pid and start time. TERM is
 * caught, not ignored (an ignored signal would be inherited), so that the exit status of a stopped command is still
 * recorded.
 */
export const STAGE_WRAPPER = `
set -C
{ IFS= read -r stat < /proc/self/stat; } 2>/dev/null
printf '%s\\n' "$stat" > "$1/started" || exit 125
set +C
trap : HUP INT TERM
"$2" "$1/command.sh"
printf '%s\\n' "$?" > "$1/exit"
`;

/** In the environment of each process of a stage: finds those that left the process group. */
export const ATTEMPT_VARIABLE = 'DM_ATTEMPT_DIRECTORY';

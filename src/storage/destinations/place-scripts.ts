/** Where a destination's root is told from the bare mount point below it; see `marked-directory.ts`. */
const MARKER = '.dm-storage';

/** Fields: root, a fresh id. Makes the root and its marker where they are missing; answers the marker's id. */
export const MARK_SCRIPT = `
mapfile -d '' -t fields
root=\${fields[0]}
mkdir -p -- "$root" || exit
[[ -f "$root/${MARKER}" ]] || printf '%s\\n' "\${fields[1]}" >"$root/${MARKER}" || exit
read -r id <"$root/${MARKER}"
printf '%s\\0' "$id"
`;

/** Fields: root. Answers the marker's id, empty when there is none, and the free bytes. */
export const LOOK_AT_PLACE_SCRIPT = `
mapfile -d '' -t fields
root=\${fields[0]}
id=
[[ -f "$root/${MARKER}" ]] && read -r id <"$root/${MARKER}"
free=$(df -B1 --output=avail -- "$root" 2>/dev/null | tail -n 1)
printf '%s\\0%s\\0' "$id" "\${free// /}"
`;

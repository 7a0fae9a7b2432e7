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

/** Fields: root, owner, group, ACL of files; each may be empty but the root. Answers '' or what was refused. */
export const TRY_PERMISSIONS_SCRIPT = `
mapfile -d '' -t fields
probe=\${fields[0]}/.dm-permissions.part owner=\${fields[1]} group=\${fields[2]} acl=\${fields[3]}
give() {
  rm -f -- "$probe" && : >"$probe" || return
  if [[ -n $owner ]]; then chown -h "$owner" -- "$probe" || return; fi
  if [[ -n $group ]]; then chown -h ":$group" -- "$probe" || return; fi
  chmod 0640 -- "$probe" || return
  if [[ -n $acl ]]; then setfacl -m "$acl" -- "$probe" || return; fi
}
if trouble=$(give 2>&1); then trouble=; else trouble=\${trouble:-refused}; fi
rm -f -- "$probe"
printf '%s\\0' "$trouble"
`;

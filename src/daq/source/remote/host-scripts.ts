/** What `find` tells of an entry: depth, type, device, inode, size, mtime, ctime, path. */
const FACTS = '%d %y %D %i %s %T@ %C@ %p\\0';

/**
 * Fields: directory, paths that begin with `./`. Answers `there`, then the facts of each path and of what lies up to
 * `depth` below it; only `lost` when the directory itself is not there. What is gone is left out without a complaint.
 */
function findScript(depth: 0 | 1): string {
  return `
mapfile -d '' -t fields
if cd -- "\${fields[0]}" 2>/dev/null; then
  printf 'there\\0'
  {
    printf '%s\\0' "\${fields[@]:1}" |
      xargs -0 -r bash -c 'find "$@" -maxdepth ${depth} -printf "${FACTS}"; (( $? < 2 )) || exit 255' find 2>&1 >&3 |
      grep -av -e ': No such file or directory$' -e ': Not a directory$' >&2
    (( PIPESTATUS[1] == 0 )) || exit 1
  } 3>&1
else
  printf 'lost\\0'
fi
:`;
}

export const FACTS_SCRIPT = findScript(0);
export const LIST_SCRIPT = findScript(1);

/** Sets `roots` to those of its arguments that are there, links resolved; `below` asks whether a path is in one. */
const ROOTS = `
resolve_roots() {
  local root
  roots=()
  for root; do
    if cd -P -- "$root" 2>/dev/null; then roots+=("$PWD"); fi
  done
}
below() {
  local root
  for root in "\${roots[@]}"; do
    [[ $1 == "$root" || $1 == "\${root%/}"/* ]] && return 0
  done
  return 1
}
say() { printf '%s\\0' "$@"; }`;

/**
 * Fields: directory, roots. Answers `there`, the directory with links resolved, its device, `x` if anything is in it and
 * the mounts of the machine; or only what is wrong: `outside`, `missing`, `file`, `unreadable`.
 */
export const PRESENCE_SCRIPT = `${ROOTS}
mapfile -d '' -t fields
directory=\${fields[0]}
resolve_roots "\${fields[@]:1}"
at=$directory
while [[ ! -e $at && $at == */* && $at != / ]]; do
  at=\${at%/*}
  at=\${at:-/}
done
if [[ ! -d $at ]]; then
  say file
elif ! cd -P -- "$at" 2>/dev/null; then
  say unreadable
else
  real=$PWD
  rest=\${directory#"$at"}
  rest=\${rest#/}
  [[ -z $rest ]] || real=\${real%/}/$rest
  if ! below "$real"; then
    say outside
  elif [[ -n $rest ]]; then
    say missing
  elif [[ ! -r . || ! -x . ]]; then
    say unreadable
  else
    say there "$real" "$(stat -c %d .)" "$(find . -mindepth 1 -maxdepth 1 -printf x -quit)" \\
      "$(head -c 1000000 /proc/self/mountinfo 2>/dev/null)"
  fi
fi
:`;

/** Fields: directory, path, limit. Answers the first bytes in base 64; nothing unless it is a file that can be read. */
export const READ_SCRIPT = `
mapfile -d '' -t fields
if cd -- "\${fields[0]}" 2>/dev/null && [[ -f \${fields[1]} && ! -L \${fields[1]} ]] &&
  bytes=$(set -o pipefail; dd if="\${fields[1]}" iflag=nofollow,nonblock,fullblock bs="\${fields[2]}" count=1 status=none | base64 -w 0)
then
  printf '%s\\0' "$bytes"
fi
:`;

/** Fields: directory, name of a file to make; empty: the clock of the machine is asked. Answers seconds since 1970. */
export const CLOCK_SCRIPT = `
mapfile -d '' -t fields
if [[ -z \${fields[1]} ]]; then
  date +%s.%N | tr '\\n' '\\0'
elif cd -- "\${fields[0]}" 2>/dev/null && (set -C; : >"\${fields[1]}") 2>/dev/null; then
  find "\${fields[1]}" -maxdepth 0 -printf '%C@\\0'
  rm -f -- "\${fields[1]}"
fi
:`;

/** Fields: directory, path, private path beside it. Gives a file its name back that a removal cut off had taken. */
export const RESTORE_SCRIPT = `
mapfile -d '' -t fields
cd -- "\${fields[0]}" || exit
if [[ -e \${fields[2]} ]] && ln -PT -- "\${fields[2]}" "\${fields[1]}"; then rm -f -- "\${fields[2]}"; fi
:`;

/**
 * Fields: directory, path, private path beside it, type, inode, size and mtime as they must be, roots. The file is given
 * the private name before the last look, so that none that takes its name in between can be hit.
 */
export const REMOVE_SCRIPT = `${ROOTS}
facts() { find "$1" -maxdepth 0 -printf '%y %i %s %T@' 2>/dev/null; }
mapfile -d '' -t fields
directory=\${fields[0]} path=\${fields[1]} aside=\${fields[2]} wanted=\${fields[3]}
resolve_roots "\${fields[@]:4}"
if ! cd -P -- "$directory" 2>/dev/null; then
  say lost
elif ! cd -P -- "\${path%/*}" 2>/dev/null; then
  say gone
elif ! below "$PWD"; then
  say outside
else
  path=./\${path##*/} aside=./\${aside##*/}
  now=$(facts "$path") hidden=$(facts "$aside")
  if [[ -z $now && -z $hidden ]]; then
    say gone
  elif [[ -n $now && $now != "$wanted" ]]; then
    say changed "$now"
  else
    [[ -z $now || -n $hidden ]] || mv -nT -- "$path" "$aside"
    if [[ $(facts "$aside") == "$wanted" ]]; then
      if rm -f -- "$aside"; then say removed; else say failed; fi
    else
      # Its name is given back, unless somebody has taken that meanwhile.
      if ln -PT -- "$aside" "$path" 2>/dev/null; then rm -f -- "$aside"; fi
      say changed "$(facts "$path")"
    fi
  fi
fi
:`;

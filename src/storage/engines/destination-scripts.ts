/**
 * `attempt COMMAND…` leaves in `trouble` what it said; `enter DIRECTORY` is a `cd` with links resolved that does so, too;
 * `descend PATH MODE` goes down from the current directory, makes what is missing, durably and with the area's
 * permissions, and refuses what links lead out of `root`.
 */
const COMMON = `
trouble=
attempt() { trouble=$("$@" 2>&1 >/dev/null); }
enter() {
  cd -P -- "$1" 2>/dev/null && return 0
  trouble=$( { cd -P -- "$1"; } 2>&1 )
  return 1
}
descend() {
  local rest=$1 mode=$2 part
  while [[ -n $rest ]]; do
    part=\${rest%%/*}
    if [[ $rest == */* ]]; then rest=\${rest#*/}; else rest=; fi
    [[ -z $part ]] && continue
    if [[ ! -d ./$part ]]; then
      if attempt mkdir -m "$mode" -- "./$part"; then
        if [[ -n $owner ]]; then attempt chown -h "$owner" -- "./$part" || return 1; fi
        if [[ -n $acl ]]; then attempt setfacl -m "$acl" -- "./$part" || return 1; fi
        if [[ -n $owner$acl ]]; then attempt chmod "$mode" -- "./$part" || return 1; fi
        attempt sync -- "./$part" . || return 1
      elif [[ ! -d ./$part ]]; then
        return 1
      fi
    fi
    enter "./$part" || return 1
    if [[ $PWD != "$root" && $PWD != "\${root%/}"/* ]]; then
      trouble='The destination leads out of the experiment through a symbolic link: Operation not permitted'
      return 1
    fi
  done
}
`;

/** Fields: owner, ACL of directories, then base, path and mode of each. Answers for each '' or what went wrong. */
export const PREPARE_SCRIPT = `${COMMON}
# A test does not say why; a file system that is read-only waits, a missing right needs a person.
unwritable() {
  attempt touch -c . || [[ $trouble != *'Read-only file system' ]] || return 0
  trouble='The directory cannot be written to: Permission denied'
}
mapfile -d '' -t fields
owner=\${fields[0]} acl=\${fields[1]}
for ((at = 2; at < \${#fields[@]}; at += 3)); do
  trouble=
  if enter "\${fields[at]}"; then
    root=$PWD
    descend "\${fields[at+1]}" "\${fields[at+2]}" && trouble=
    [[ -n $trouble ]] || [[ -w . ]] || unwritable
  fi
  printf '%s\\0' "$trouble"
done
cd /
:`;

/**
 * Fields: 1 to read back, owner, ACL of files, then path, mode and mtime of each. Answers in any order
 * `S<size> <path>` for those that are there, `F<index> <text>` for what failed, `D<md5> *<path>` for what was read back.
 */
export const SETTLE_SCRIPT = `
mapfile -d '' -t fields
back=\${fields[0]} owner=\${fields[1]} acl=\${fields[2]}
each() {
  local i trouble
  printf '%s\\0' "\${files[@]}" | xargs -0 "$@" -- 2>/dev/null >&2 && return
  for i in "\${!files[@]}"; do
    trouble=$("$@" -- "\${files[i]}" 2>&1 >/dev/null) || printf 'F%s %s\\0' "\${index[i]}" "$trouble"
  done
}
paths=() modes=() times=()
for ((at = 3; at < \${#fields[@]}; at += 3)); do
  paths+=("\${fields[at]}") modes+=("\${fields[at+1]}") times+=("\${fields[at+2]}")
done
files=() index=()
for i in "\${!paths[@]}"; do
  if [[ -f \${paths[i]} && ! -L \${paths[i]} ]]; then files+=("\${paths[i]}") index+=("$i"); fi
done
if (( \${#files[@]} > 0 )); then
  mapfile -d '' -t mtimes < <(printf '%s\\0' "\${files[@]}" | xargs -0 stat --printf '%.9Y\\0' --)
  for j in "\${!files[@]}"; do
    i=\${index[j]}
    if [[ \${mtimes[j]} != "\${times[i]}" ]]; then
      trouble=$(touch -d "@\${times[i]}" -- "\${files[j]}" 2>&1) || printf 'F%s %s\\0' "$i" "$trouble"
    fi
  done
  [[ -n $owner ]] && each chown -h "$owner"
  [[ -n $acl ]] && each setfacl -m "$acl"
  all=("\${files[@]}") allIndex=("\${index[@]}")
  done_modes=' '
  for i in "\${allIndex[@]}"; do
    mode=\${modes[i]}
    [[ $done_modes == *" $mode "* ]] && continue
    done_modes+="$mode "
    files=() index=()
    for j in "\${!all[@]}"; do
      if [[ \${modes[allIndex[j]]} == "$mode" ]]; then files+=("\${all[j]}") index+=("\${allIndex[j]}"); fi
    done
    each chmod "$mode"
  done
  files=("\${all[@]}") index=("\${allIndex[@]}")
  each sync
  printf '%s\\0' "\${files[@]}" | xargs -0 stat --printf 'S%s %n\\0' --
  if [[ $back == 1 ]]; then
    while IFS= read -r -d '' line; do printf 'D%s\\0' "$line"; done < <(printf '%s\\0' "\${files[@]}" | xargs -0 md5sum -z -b --)
  fi
fi
:`;

/**
 * Fields: owner, ACL of directories, then eight of each: base, directory, temporary name, final name, MD5 ('' if none is
 * known), path to keep older content at (or ''), 1 if older content may be there, mode of directories. Answers for each
 * `P1` (older content was kept), `P0`, `O<its md5> <md5>` (something else stands there) or `F<text>`.
 */
export const PUBLISH_SCRIPT = `${COMMON}
mapfile -d '' -t fields
owner=\${fields[0]} acl=\${fields[1]}
answers=() directories=()
keep() {
  local here=$PWD name=\${1##*/} folder=
  [[ $1 == */* ]] && folder=\${1%/*}
  enter "$root" && descend "$folder" "$mode" || return 1
  if ! attempt ln -T -- "$here/$final" "./$name" && [[ ! -e ./$name && ! -L ./$name ]]; then
    attempt mv -T -- "$here/$final" "./$name" || return 1
  fi
  attempt sync -- . && enter "$here"
}
one() {
  local found=
  enter "$base" || return 1
  root=$PWD
  enter "./$directory" || return 1
  if [[ $PWD != "$root" && $PWD != "\${root%/}"/* ]]; then
    trouble='The destination leads out of the experiment through a symbolic link: Operation not permitted'
    return 1
  fi
  kept=0
  if [[ -e ./$final || -L ./$final ]]; then
    if [[ -f ./$final && ! -L ./$final ]]; then
      found=$(md5sum -b 2>&1 <"./$final") || { trouble=$found; return 1; }
      found=\${found%% *}
      if [[ -z $md5 ]]; then
        md5=$(md5sum -b 2>&1 <"./$temporary") || { trouble=$md5; return 1; }
        md5=\${md5%% *}
      fi
    else
      found=not-a-file
    fi
    if [[ $replaces != 1 && $found != "$md5" ]]; then
      answer="O$found $md5"
      return 0
    fi
    if [[ $replaces == 1 && $found == "$md5" ]]; then
      [[ -e $root/$keepAs || -L $root/$keepAs ]] && kept=1
    elif [[ $replaces == 1 ]]; then
      keep "$keepAs" || return 1
      kept=1
    fi
    attempt mv -fT -- "./$temporary" "./$final" || return 1
  else
    attempt mv -nT -- "./$temporary" "./$final" || return 1
    if [[ -e ./$temporary ]]; then
      trouble='Another file has just taken the final name: File exists'
      return 1
    fi
  fi
  answer=P$kept
}
for ((at = 2; at < \${#fields[@]}; at += 8)); do
  base=\${fields[at]} directory=\${fields[at+1]} temporary=\${fields[at+2]} final=\${fields[at+3]}
  md5=\${fields[at+4]} keepAs=\${fields[at+5]} replaces=\${fields[at+6]} mode=\${fields[at+7]}
  trouble= answer=
  one || answer=F\${trouble:-failed}
  answers+=("$answer")
  if [[ $answer == P* ]]; then directories+=("$PWD"); else directories+=(/); fi
done
cd /
whole=1
last=
unique=()
for directory in "\${directories[@]}"; do
  [[ $directory == / || $directory == "$last" ]] && continue
  unique+=("$directory")
  last=$directory
done
if (( \${#unique[@]} > 0 )); then printf '%s\\0' "\${unique[@]}" | xargs -0 sync -- >/dev/null 2>&1 || whole=0; fi
for i in "\${!answers[@]}"; do
  answer=\${answers[i]}
  if [[ $whole == 0 && $answer == P* ]]; then attempt sync -- "\${directories[i]}" || answer="F$trouble"; fi
  printf '%s\\0' "$answer"
done
:`;

/** Fields: paths of temporary files. */
export const REMOVE_SCRIPT = `xargs -0 -r rm -f -- || :`;

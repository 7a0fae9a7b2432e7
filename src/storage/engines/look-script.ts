/**
 * Fields: number of roots, roots, paths. Answers for each path one of
 * `I` (its directory lies below a root), `X` (it does not) and `E<text>`; then what `stat` knows of those marked `I`.
 */
export const LOOK_SCRIPT = `
mapfile -d '' -t fields
count=\${fields[0]}
roots=("\${fields[@]:1:count}")
paths=("\${fields[@]:count+1}")
for i in "\${!roots[@]}"; do
  # As they really are: a root may itself be a link.
  if cd -P -- "\${roots[i]}" 2>/dev/null; then roots[i]=$PWD; fi
done
below() {
  local root
  for root in "\${roots[@]}"; do
    [[ $1 == "$root" || $1 == "\${root%/}"/* ]] && return 0
  done
  return 1
}
inside=()
last= verdict=
for path in "\${paths[@]}"; do
  directory=\${path%/*}/
  if [[ $directory != "$last" || -z $verdict ]]; then
    last=$directory
    if cd -P -- "$directory" 2>/dev/null; then
      if below "$PWD"; then verdict=I; else verdict=X; fi
    else
      verdict=E$( { cd -P -- "$directory"; } 2>&1 )
    fi
  fi
  printf '%s\\0' "$verdict"
  [[ $verdict == I ]] && inside+=("$path")
done
cd /
if (( \${#inside[@]} > 0 )); then
  printf '%s\\0' "\${inside[@]}" | xargs -0 stat --printf '%f %i %s %.9Y %n\\0' --
fi
:`;

/** Fields: paths. Answers `<md5> *<path>` for each that could be read. */
export const DIGEST_SCRIPT = `xargs -0 -r md5sum -z -b -- || :`;

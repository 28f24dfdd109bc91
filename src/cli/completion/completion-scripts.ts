import { fileMark } from './complete-words.ts'

/*
 * Static scripts: what can be completed is asked of `sluice __complete`, so that a script that was written into a profile
 * knows the commands of a newer version. It prints one candidate a line, with its description behind a tab.
 */

/**
 * Bash breaks words at @, = and : too, and replaces what stands behind the last of them alone. The words are read from the
 * line itself, and what stands before is cut off the candidates.
 */
const bash = `# sluice: completion for bash. Use: source <(sluice completion bash)
_sluice() {
  local line="\${COMP_LINE:0:COMP_POINT}" words=() current head candidate
  read -ra words <<< "$line"
  [[ "$line" == *[[:space:]] ]] && words+=("")
  current="\${words[\${#words[@]}-1]}"
  head="\${current%"\${current##*[@=:]}"}"
  COMPREPLY=()
  while IFS=$'\\t' read -r candidate _; do
    if [[ "$candidate" == "${fileMark}" ]]; then
      compopt -o default 2>/dev/null
      while IFS= read -r candidate; do COMPREPLY+=("$candidate"); done < <(compgen -f -- "$current")
    elif [[ -n "$candidate" ]]; then
      COMPREPLY+=("\${candidate#"$head"}")
    fi
  done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null)
}
complete -F _sluice sluice
`

const zsh = `#compdef sluice
# sluice: completion for zsh. Use: source <(sluice completion zsh), or write it to _sluice in a folder of $fpath
_sluice() {
  local line value
  local -a candidates
  while IFS= read -r line; do
    if [[ "$line" == "${fileMark}" ]]; then
      _files
    elif [[ -n "$line" ]]; then
      value="\${line%%$'\\t'*}"
      line="\${line#"$value"}"
      candidates+=("\${value//:/\\\\:}\${line/$'\\t'/:}")
    fi
  done < <("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#candidates} )) && _describe 'sluice' candidates
}
if [[ "$funcstack[1]" == "_sluice" ]]; then _sluice "$@"; else compdef _sluice sluice; fi
`

const fish = `# sluice: completion for fish. Use: sluice completion fish | source
function __sluice_complete
    set -l words (commandline -opc)
    for line in ($words[1] __complete -- $words[2..] (commandline -ct) 2>/dev/null)
        if test "$line" = "${fileMark}"
            __fish_complete_path (commandline -ct)
        else
            echo $line
        end
    end
end
complete -c sluice -f -a '(__sluice_complete)'
`

export const completionScripts = { bash, zsh, fish } as const

export type Shell = keyof typeof completionScripts

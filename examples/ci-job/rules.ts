import type { Commit } from './push.ts'

/** Says what is wrong with a commit. */
type Rule = (commit: Commit) => string | undefined

const maxSubjectLength = 72

const subject: Rule = ({ message }) => {
  const [line = '', second = ''] = message.split('\n')
  if (/^(fixup!|squash!|wip\b)/i.test(line)) return 'it was to be squashed'
  if (line.length > maxSubjectLength) return `its subject is longer than ${maxSubjectLength} characters`
  return second === '' ? undefined : 'the second line of its message is not empty'
}

const noSecrets: Rule = ({ added, modified }) => {
  const secret = [...added, ...modified].find(path => /(^|\/)(\.env|id_[a-z0-9]+|[^/]+\.(pem|p12))$/.test(path))
  return secret === undefined ? undefined : `it brings what looks like a secret: ${secret}`
}

const noLeftovers: Rule = ({ added }) => {
  const leftover = added.find(path => /\.(orig|rej|swp)$|(^|\/)\.DS_Store$/.test(path))
  return leftover === undefined ? undefined : `it brings a leftover: ${leftover}`
}

const rules = [subject, noSecrets, noLeftovers]

/** What is wrong with the commits, a line for each problem. */
export function problemsOf(commits: readonly Commit[]): string[] {
  return commits.flatMap(commit => {
    const problems = rules.map(rule => rule(commit)).filter(problem => problem !== undefined)
    return problems.map(problem => `${commit.id.slice(0, 7)}: ${problem}`)
  })
}

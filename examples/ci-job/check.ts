import type { Handler, HttpBinding } from 'sluice-gateway'

interface Commit {
  readonly id: string
  readonly message: string
  readonly added: readonly string[]
  readonly modified: readonly string[]
}

interface Push {
  readonly ref: string
  readonly after: string
  readonly commits: readonly Commit[]
}

type Rule = (commit: Commit) => string | undefined

/** What this job checks; each rule says what is wrong with a commit. */
const rules: readonly Rule[] = [
  ({ message }) =>
    (message.split('\n')[0] ?? '').length > 72 ? 'the subject is longer than 72 characters' : undefined,
  ({ message }) => (/^(fixup|squash|wip)\b/i.test(message) ? 'it is a commit that was to be squashed' : undefined),
  ({ message }) => (message.split('\n')[1] ? 'the second line is not empty' : undefined),
  ({ added, modified }) => {
    const secrets = [...added, ...modified].filter(path => /(^|\/)(\.env|id_rsa|.*\.pem)$/.test(path))
    return secrets.length > 0 ? `it adds what looks like a secret: ${secrets.join(', ')}` : undefined
  },
]

/** Runs the checks of a push and reports their verdict as the status of its last commit. */
const check: Handler<Push, unknown, { status: HttpBinding }> = async ({ data: push, type }, context) => {
  if (type !== 'com.github.push' || /^0+$/.test(push.after)) return undefined
  const findings = push.commits.flatMap(commit =>
    rules.flatMap(rule => {
      const problem = rule(commit)
      return problem === undefined ? [] : [`${commit.id.slice(0, 8)}: ${problem}`]
    }),
  )
  const state = findings.length === 0 ? 'success' : 'failure'
  const description = findings[0] ?? `${push.commits.length} commits are in order`
  context.logger.info(`checked ${push.ref}`, { state, findings })
  const { status } = await context.bindings.status.post(undefined, { state, description, context: 'sluice/commits' })
  // Not reported is not done: the attempt fails and is tried again.
  if (status !== 201) throw new Error(`the status could not be set: ${status}`)
  return { type: 'com.example.ci.checked', subject: push.after, data: { state, findings } }
}
export default check

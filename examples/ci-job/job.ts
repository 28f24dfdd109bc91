import type { Context, Handler, HttpBinding } from 'sluice-gateway'
import type { Push } from './push.ts'
import { problemsOf } from './rules.ts'

/** `status` leads to the status of the push's commit: its path is filled from the event. */
interface Bindings {
  readonly github: HttpBinding
  readonly status: HttpBinding
}

/** Files of one push that are fetched and parsed. */
const maxFiles = 20
/** What GitHub takes. */
const maxDescriptionLength = 140

/** Checks the commits of a push and the JSON files that they change, and tells GitHub and whoever listens. */
const job: Handler<Push, unknown, Bindings> = async ({ data: push }, context) => {
  await setStatus(context, 'pending', 'checking')
  const problems = [...problemsOf(push.commits), ...(await brokenFiles(push, context))]
  const state = problems.length === 0 ? 'success' : 'failure'
  const [first = `${push.commits.length} commits are in order`, ...others] = problems
  await setStatus(context, state, others.length === 0 ? first : `${first}, and ${others.length} more`)
  context.logger.info(`checked ${push.ref}`, { commit: push.after, state, problems })
  return { type: 'com.example.ci.checked', subject: push.after, data: { ref: push.ref, state, problems } }
}

async function setStatus({ bindings }: Context<Bindings>, state: string, text: string): Promise<void> {
  const description = text.length > maxDescriptionLength ? `${text.slice(0, maxDescriptionLength - 1)}…` : text
  const { status } = await bindings.status.post(undefined, { state, description, context: 'sluice/ci' })
  // Not told is not done: the job is run again.
  if (status !== 201) throw new Error(`GitHub did not take the status: ${status}`)
}

/** A line for each changed JSON file that is none. */
async function brokenFiles(push: Push, { bindings }: Context<Bindings>): Promise<string[]> {
  const changed = new Set(push.commits.flatMap(({ added, modified }) => [...added, ...modified]))
  const files = [...changed].filter(path => path.endsWith('.json')).slice(0, maxFiles)
  const { owner, name } = push.repository
  const problems = files.map(async file => {
    const answer = await bindings.github.request({
      // Segments are escaped: a file may have any name.
      path: ['repos', owner.login, name, 'contents', ...file.split('/')],
      query: { ref: push.after },
      headers: { accept: 'application/vnd.github.raw+json' },
    })
    // A later commit of the push has removed it.
    if (answer.status === 404) return undefined
    if (!answer.ok) throw new Error(`GitHub did not give ${file}: ${answer.status}`)
    try {
      answer.json()
      return undefined
    } catch (error) {
      return `${file}: ${(error as Error).message}`
    }
  })
  return (await Promise.all(problems)).filter(problem => problem !== undefined)
}

export default job

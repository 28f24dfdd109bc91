import { useSignal } from '@preact/signals'
import type { FunctionView } from '../../api/views/function-view.ts'
import type { LoggedInvocation } from '../../api/views/invocation-view.ts'
import { duration } from '../format.ts'
import { apiPath, problemFrom, send } from '../gateway/client.ts'
import { Badge } from '../parts/badge.tsx'
import { Section } from '../parts/states.tsx'
import { textOfData } from './event-data.ts'

type Outcome =
  | { readonly kind: 'running' }
  | { readonly kind: 'answered'; readonly reply: LoggedInvocation }
  | { readonly kind: 'failed'; readonly message: string }

const example = JSON.stringify({ sku: 'A-1', quantity: 3 }, undefined, 2)

/** Runs the function with an event that one types, and shows what it answered and logged. */
export function InvokeForm({ view: { name, versions, aliases } }: { readonly view: FunctionView }) {
  const outcome = useSignal<Outcome | undefined>(undefined)
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const [kind, ref] = String(form.get('ref')).split(' ', 2)
    const query = new URLSearchParams({
      logs: 'true',
      ...(kind === undefined || ref === undefined ? {} : { [kind]: ref }),
    })
    outcome.value = { kind: 'running' }
    try {
      const response = await send(`${apiPath('functions', name, 'invocations')}?${query}`, {
        method: 'POST',
        body: String(form.get('data')),
        headers: { 'content-type': String(form.get('type')) },
      })
      const body: unknown = await response.json().catch(() => undefined)
      if (!response.ok) throw problemFrom(response.status, body)
      outcome.value = { kind: 'answered', reply: body as LoggedInvocation }
    } catch (error) {
      outcome.value = { kind: 'failed', message: error instanceof Error ? error.message : String(error) }
    }
  }
  const { value } = outcome
  return (
    <Section title="Try it">
      <form class="invoke" onSubmit={event => void submit(event)}>
        <label>
          Data of the event
          <textarea name="data" rows={6} spellcheck={false} defaultValue={example} />
        </label>
        <div class="pair">
          <label>
            Content type
            <input name="type" defaultValue="application/json" required />
          </label>
          <label>
            Version
            <select name="ref">
              <option value="version latest">latest</option>
              {aliases.map(alias => (
                <option key={alias.name} value={`alias ${alias.name}`}>
                  {alias.name}
                </option>
              ))}
              {versions.map(({ version }) => (
                <option key={version} value={`version ${version}`}>
                  {version}
                </option>
              ))}
            </select>
          </label>
          <button type="submit" class="primary" disabled={value?.kind === 'running'}>
            {value?.kind === 'running' ? 'Running …' : 'Invoke'}
          </button>
        </div>
        <p class="muted">It runs past the log: nothing is kept, and no trigger sees it.</p>
      </form>
      <div role="status">
        {value?.kind === 'failed' && <p class="failure">{value.message}</p>}
        {value?.kind === 'answered' && <Reply reply={value.reply} />}
      </div>
    </Section>
  )
}

function Reply({ reply }: { readonly reply: LoggedInvocation }) {
  const { status, durationMs, version, body, bodyBase64, logs } = reply
  return (
    <>
      <p>
        <Badge state={status < 400 ? 'succeeded' : 'failed'} /> {status} from version {version} after{' '}
        {duration(durationMs)}
      </p>
      <pre>{body ?? textOfData(bodyBase64)}</pre>
      {logs.length > 0 && <pre>{logs.map(({ level, message }) => `${level.padEnd(5)} ${message}`).join('\n')}</pre>}
    </>
  )
}

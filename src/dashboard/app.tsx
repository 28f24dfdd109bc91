import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { OverviewView } from '../api/views/overview-view.ts'
import { duration } from './format.ts'
import { needsToken, setToken, token } from './gateway/client.ts'
import { connection, restart, useLive } from './gateway/live.ts'
import { EventPage } from './pages/event-page.tsx'
import { FunctionPage } from './pages/function-page.tsx'
import { FunctionsPage } from './pages/functions-page.tsx'
import { OverviewPage } from './pages/overview-page.tsx'
import { ScalingPage } from './pages/scaling-page.tsx'
import { TriggerPage } from './pages/trigger-page.tsx'
import { TriggersPage } from './pages/triggers-page.tsx'
import icon from './icon.svg'
import { Notice } from './parts/notice.tsx'
import { href, place } from './router.ts'

const pages = [
  ['overview', 'Overview'],
  ['functions', 'Functions'],
  ['triggers', 'Triggers'],
  ['scaling', 'Scaling'],
  ['events', 'Find an event'],
] as const

export function App() {
  if (needsToken.value) return <TokenForm />
  const { page, parts } = place.value
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('main')?.focus()}>
        Skip to content
      </button>
      <Header page={page} />
      <ConnectionBar />
      <main id="main" tabIndex={-1} key={[page, ...parts].join('/')}>
        <Page page={page} name={parts[0]} />
      </main>
      <Notice />
    </>
  )
}

function Page({ page, name }: { readonly page: string; readonly name: string | undefined }) {
  useEffect(() => {
    document.title = [name, pages.find(([id]) => id === page)?.[1] ?? page, 'Sluice'].filter(Boolean).join(' · ')
  }, [page, name])
  switch (page) {
    case 'overview':
      return <OverviewPage />
    case 'functions':
      return name === undefined ? <FunctionsPage /> : <FunctionPage name={name} />
    case 'triggers':
      return name === undefined ? <TriggersPage /> : <TriggerPage name={name} />
    case 'scaling':
      return <ScalingPage />
    case 'events':
      return <EventPage />
    default:
      return (
        <div class="failure" role="alert">
          <strong>There is no page {page}.</strong>
          <p>
            <a href={href('overview')}>To the overview</a>
          </p>
        </div>
      )
  }
}

function Header({ page }: { readonly page: string }) {
  const overview = useLive<OverviewView>('/v1/overview').value
  const problems =
    overview.state === 'ready' ? overview.view.problems.filter(({ severity }) => severity !== 'notice').length : 0
  return (
    <header class="top">
      <a class="brand" href={href('overview')}>
        <img src={icon} alt="" width="24" height="24" /> Sluice
      </a>
      <nav aria-label="Pages">
        {pages.map(([id, title]) => (
          <a key={id} href={href(id)} {...(page === id ? { 'aria-current': 'page' as const } : {})}>
            {title}
            {id === 'overview' && problems > 0 && (
              <span class="count" aria-label={`${problems} problems`}>
                {problems}
              </span>
            )}
          </a>
        ))}
      </nav>
      <span class="gateway">{overview.state === 'ready' ? `v${overview.view.version}` : ''}</span>
    </header>
  )
}

/** Says when what is shown is old. */
function ConnectionBar() {
  const { value } = connection
  const now = useSignal(Date.now())
  useEffect(() => {
    const timer = setInterval(() => (now.value = Date.now()), 1_000)
    return () => clearInterval(timer)
  }, [])
  if (value.state === 'live') return null
  if (value.state === 'lost')
    return (
      <div class="connection lost" role="alert">
        <span>
          No connection for {duration(Math.max(0, Math.floor((now.value - value.sinceMs) / 1_000) * 1_000))}:{' '}
          {value.why}. What you see is from then.
        </span>
        <button type="button" onClick={() => restart(0)}>
          Try now
        </button>
      </div>
    )
  return (
    <div class="connection" role="status">
      {value.state === 'connecting'
        ? 'Connecting …'
        : 'Events do not come through here; asking every 2 seconds instead.'}
    </div>
  )
}

function TokenForm() {
  const wasWrong = token.value !== ''
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    setToken(String(new FormData(event.currentTarget as HTMLFormElement).get('token') ?? '').trim())
  }
  return (
    <main class="token">
      <form class="panel" onSubmit={submit}>
        <h1>
          <img src={icon} alt="" width="28" height="28" /> Sluice
        </h1>
        <p>This gateway asks for its token: api.token of its configuration. It is kept as long as this tab is open.</p>
        {wasWrong && (
          <p class="failure" role="alert">
            The gateway did not take that token.
          </p>
        )}
        <label>
          Token
          <input name="token" type="password" required autocomplete="current-password" />
        </label>
        <button type="submit" class="primary">
          Go on
        </button>
      </form>
    </main>
  )
}

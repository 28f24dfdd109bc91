import type { EventInTrigger, RecentEventPage, RecentEventView } from '../../api/views/recent-event-view.ts'
import { bytes, duration, exactTime, plural, time, unknown } from '../format.ts'
import { useLive } from '../gateway/live.ts'
import { Badge } from '../parts/badge.tsx'
import { Section, WhenReady } from '../parts/states.tsx'
import { go, href, place } from '../router.ts'
import { textOfData } from './event-data.ts'
import { questionOf } from './event-question.ts'

/** Finds events and tells the whole story of each: accepted, waited, every attempt, results, sinks, and why it waits. */
export function EventPage() {
  const text = place.value.query.get('q') ?? ''
  const submit = (event: SubmitEvent): void => {
    event.preventDefault()
    const typed = new FormData(event.currentTarget as HTMLFormElement).get('q')
    go(href('events', [], typeof typed === 'string' && typed.trim() !== '' ? { q: typed.trim() } : {}))
  }
  return (
    <>
      <h1>Find an event</h1>
      <form class="search" role="search" onSubmit={submit}>
        <input
          type="search"
          name="q"
          defaultValue={text}
          key={text}
          aria-label="Event id, trace id, key or position"
          placeholder="Event id, trace id, key:device-7, or stream/partition/offset"
        />
        <button type="submit" class="primary">
          Find
        </button>
      </form>
      <Found text={text} key={text} />
    </>
  )
}

function Found({ text }: { readonly text: string }) {
  const question = questionOf(text)
  const live = useLive<RecentEventPage>(`/v1/recent-events?${new URLSearchParams(question.query)}`)
  return (
    <>
      <p class="muted">{question.words}</p>
      <WhenReady live={live} what="the events">
        {({ items, incomplete }) => (
          <>
            {incomplete !== null && <p class="muted">{incomplete.sentence}</p>}
            {items.length === 0 ? (
              <div class="empty">
                Nothing. Events are found here for as long as the gateway keeps their story; the log itself may keep
                them longer.
              </div>
            ) : question.isOne || items.length === 1 ? (
              items.map(event => <Story key={placeOf(event)} event={event} />)
            ) : (
              <ul class="events">
                {items.map(event => (
                  <EventLine key={placeOf(event)} event={event} />
                ))}
              </ul>
            )}
          </>
        )}
      </WhenReady>
    </>
  )
}

const placeOf = ({ stream, partition, offset }: RecentEventView): string => `${stream}/${partition}/${offset}`

function EventLine({ event }: { readonly event: RecentEventView }) {
  const at = placeOf(event)
  return (
    <li>
      <a href={href('events', [], { q: at })}>{at}</a>
      <span class="muted">{time(event.acceptedAtMs)}</span>
      <span>{event.key ?? ''}</span>
      <span class="states">
        {event.triggers.map(({ trigger, state }) => (
          <span key={trigger}>
            {trigger} <Badge state={state} />
          </span>
        ))}
      </span>
    </li>
  )
}

function Story({ event }: { readonly event: RecentEventView }) {
  const at = placeOf(event)
  const facts: readonly (readonly [string, string])[] = [
    ['Id', event.id ?? unknown],
    ['Type', event.type ?? unknown],
    ['Source', event.source ?? unknown],
    ['Key', event.key ?? unknown],
    ['Accepted', event.acceptedAtMs === null ? unknown : exactTime(event.acceptedAtMs)],
    ['Size', bytes(event.dataBytes)],
    ['Trace', event.traceId ?? 'none'],
  ]
  return (
    <Section title={at}>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {name === 'Trace' && event.traceId !== null ? (
                <a href={href('events', [], { q: event.traceId })}>{value}</a>
              ) : (
                value
              )}
            </dd>
          </div>
        ))}
      </dl>
      {event.dataBase64 !== undefined && <pre>{textOfData(event.dataBase64)}</pre>}
      {event.triggers.length === 0 && <p class="muted">No trigger reads this stream.</p>}
      {event.triggers.map(part => (
        <TriggerStory key={part.trigger} event={event} part={part} />
      ))}
    </Section>
  )
}

function TriggerStory({ event, part }: { readonly event: RecentEventView; readonly part: EventInTrigger }) {
  return (
    <article class="story">
      <h3>
        <a href={href('triggers', [part.trigger])}>{part.trigger}</a> <Badge state={part.state} />
      </h3>
      <p class="sentence">{part.sentence}</p>
      {part.next !== null && <p class="advice">{part.next}</p>}
      {!part.recorded && <p class="muted">How it came to this was not recorded.</p>}
      <ol class="timeline">
        {event.acceptedAtMs !== null && (
          <li>
            <time>{exactTime(event.acceptedAtMs)}</time>
            <span>accepted and durable</span>
          </li>
        )}
        {part.waitedMs !== null && (
          <li>
            <time />
            <span class="muted">waited {duration(part.waitedMs)}</span>
          </li>
        )}
        {part.attempts.map(({ attempt, version, startedAtMs, durationMs, outcome, reason, error }) => (
          <li key={`${attempt} ${startedAtMs}`}>
            <time>{exactTime(startedAtMs)}</time>
            <span>
              attempt {attempt} in {version}: <Badge state={outcome} /> after {duration(durationMs)}
              {error !== undefined && (
                <span class="error">
                  {reason === undefined ? '' : `${reason}: `}
                  {error}
                </span>
              )}
            </span>
          </li>
        ))}
        {part.parkedAtMs !== null && (
          <li>
            <time>{exactTime(part.parkedAtMs)}</time>
            <span>set aside, so that its partition flows on</span>
          </li>
        )}
        {part.sinks.map(({ sink, outcome, attempts, startedAtMs, durationMs, error }) => (
          <li key={`${sink} ${startedAtMs}`}>
            <time>{exactTime(startedAtMs)}</time>
            <span>
              to {sink}: <Badge state={outcome} /> in {plural(attempts, 'attempt')}, {duration(durationMs)}
              {error !== undefined && <span class="error">{error}</span>}
            </span>
          </li>
        ))}
        {part.finishedAtMs !== null && (
          <li>
            <time>{exactTime(part.finishedAtMs)}</time>
            <span>{part.state}</span>
          </li>
        )}
      </ol>
      {part.result.map((result, index) => (
        <div key={index}>
          <h4>
            Result ({result.contentType}, {bytes(result.dataBytes)})
          </h4>
          <pre>{result.text ?? 'no text'}</pre>
        </div>
      ))}
    </article>
  )
}

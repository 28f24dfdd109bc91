import type { ReadonlySignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { Live } from '../gateway/live.ts'
import { restart } from '../gateway/live.ts'
import type { Problem } from '../gateway/client.ts'

/** Shows what is there, or why nothing is: every answer is loading, ready or failed. */
export function WhenReady<View>(props: {
  readonly live: ReadonlySignal<Live<View>>
  /** What is loading, such as `the triggers`. */
  readonly what: string
  readonly children: (view: View) => ComponentChildren
}) {
  const { live, what, children } = props
  const { value } = live
  switch (value.state) {
    case 'loading':
      return (
        <div class="loading" role="status">
          Asking for {what} …
        </div>
      )
    case 'failed':
      return <Failure problem={value.problem} what={what} />
    case 'ready':
      return <>{children(value.view)}</>
  }
}

export function Failure({ problem, what }: { readonly problem: Problem; readonly what: string }) {
  return (
    <div class="failure" role="alert">
      <strong>{problem.status === 404 ? 'It is not there.' : `The gateway could not tell about ${what}.`}</strong>
      <p>{problem.message}</p>
      <p class="code">{[problem.status || '', problem.code].join(' ').trim()}</p>
      <button type="button" onClick={() => restart(0)}>
        Try again
      </button>
    </div>
  )
}

/** A figure with its name. */
export function Figure(props: {
  readonly name: string
  readonly value: ComponentChildren
  readonly tone?: string | undefined
  readonly hint?: string | undefined
  readonly children?: ComponentChildren
}) {
  return (
    <div class={`figure ${props.tone ?? ''}`} title={props.hint}>
      <dt>{props.name}</dt>
      <dd>{props.value}</dd>
      {props.children}
    </div>
  )
}

/** Figures in a row. */
export const Figures = ({ children }: { readonly children: ComponentChildren }) => <dl class="figures">{children}</dl>

export function Section(props: {
  readonly title: string
  readonly children: ComponentChildren
  readonly actions?: ComponentChildren
}) {
  return (
    <section class="panel" aria-label={props.title}>
      <header>
        <h2>{props.title}</h2>
        {props.actions !== undefined && <div class="actions">{props.actions}</div>}
      </header>
      {props.children}
    </section>
  )
}

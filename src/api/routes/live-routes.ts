import Type from 'typebox'
import { SluiceError } from '../../errors/sluice-error.ts'
import { route, type ApiRoute } from '../api-route.ts'
import { strict } from './route-fields.ts'

const mostPaths = 16

const query = Type.Object(
  {
    watch: Type.Array(Type.String({ minLength: 1, maxLength: 2_000, pattern: '^/v1/' }), {
      minItems: 1,
      maxItems: mostPaths,
      description: `Paths of this API that are to be watched, each with its query; repeat it for more than one, at most ${mostPaths}.`,
    }),
  },
  strict,
)

/** What is watched must answer with JSON that ends. */
function checkWatched(path: string): void {
  const url = URL.canParse(path, 'http://gateway') ? new URL(path, 'http://gateway') : undefined
  const isStream = url?.pathname === '/v1/live' || (url?.pathname.endsWith('/logs') && url.searchParams.has('follow'))
  if (url !== undefined && url.pathname.startsWith('/v1/') && isStream === false) return
  throw new SluiceError(
    'SLUICE_API_INVALID_REQUEST',
    `query.watch: ${path} cannot be watched; name what GET answers with JSON`,
  )
}

export const liveRoutes: readonly ApiRoute[] = [
  route({
    method: 'GET',
    path: '/live',
    operationId: 'watch',
    tag: 'gateway',
    summary: 'Server-sent events: what other paths of this API answer, at once and whenever it has changed.',
    query,
    answers: {
      200: {
        description:
          'Events `answer` with `{ path, status, body }`, where status and body are what GET answers; `ready` follows when all ' +
          'paths are told for the first time.',
        content: { 'text/event-stream': Type.String() },
      },
    },
    handle: async (_control, { query: { watch: paths }, watch }) => {
      for (const path of paths) checkWatched(path)
      return { kind: 'stream', contentType: 'text/event-stream', stream: watch(paths) }
    },
  }),
]

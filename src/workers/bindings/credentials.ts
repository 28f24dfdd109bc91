import type { ResolvedBinding } from '../../functions/function-version.ts'

/** Headers by whose names one knows that their values are nobody's business. */
const secretHeader = /auth|token|secret|key|cookie|password|credential|signature/i

/** What a binding knows and nobody may read: in logs and errors it is hidden. */
export function credentialsOf(binding: ResolvedBinding): string[] {
  switch (binding.type) {
    case 'http': {
      const headers = Object.entries(binding.headers).filter(([name]) => secretHeader.test(name))
      const values = headers.flatMap(([, value]) => [value, ...partsOf(value)])
      return binding.token === undefined ? values : [...values, binding.token]
    }
    case 'mqtt': {
      const { password, url } = binding.broker
      return [password, passwordIn(url)].filter(value => value !== undefined)
    }
    case 'kafka':
      return binding.sasl === undefined ? [] : [binding.sasl.password]
  }
}

/** What stands behind the scheme, and the password of a basic one. */
function partsOf(authorization: string): string[] {
  const [scheme, value] = authorization.split(' ', 2)
  if (value === undefined) return []
  if (scheme?.toLowerCase() !== 'basic') return [value]
  const pair = Buffer.from(value, 'base64').toString()
  return [value, pair.slice(pair.indexOf(':') + 1)]
}

function passwordIn(url: string): string | undefined {
  const password = URL.canParse(url) ? new URL(url).password : ''
  return password === '' ? undefined : decodeURIComponent(password)
}

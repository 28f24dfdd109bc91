import { readFileSync } from 'node:fs'

/** Options of Node with which the systemd unit starts a gateway. */
export function deployedNodeArgs(): string[] {
  const unit = readFileSync(new URL('../../deploy/sluice.service', import.meta.url), 'utf8')
  const [, options = ''] = /^ExecStart=\S+\/node (.*?) ?\S+\/sluice\.js /m.exec(unit) ?? []
  return options.split(' ').filter(option => option !== '')
}

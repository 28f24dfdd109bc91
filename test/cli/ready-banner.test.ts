import { describe, expect, it } from 'vitest'
import { readyBanner } from '../../src/cli/ready-banner.ts'
import { loadConfig } from '../../src/config/load-config.ts'

const addresses = { http: 'http://127.0.0.1:8080', mqtt: 'mqtt://127.0.0.1:1883' }
const config = (environment: Record<string, string>) => loadConfig('config/standalone.yaml', { environment })

describe('readyBanner', () => {
  it('shows addresses and a command to copy for each kind of sender', () => {
    const banner = readyBanner(config({ KAFKA_BROKERS: 'k1:9092,k2:9092' }), addresses, '1.2.3')
    expect(banner).toContain('Sluice 1.2.3 is ready.')
    expect(banner).toContain('curl -i http://127.0.0.1:8080/hooks/shop')
    expect(banner).toContain('npx mqtt pub -h 127.0.0.1 -p 1883')
    expect(banner).toContain('kcat -b k1:9092,k2:9092 -t orders')
    // What is left in braces belongs to the commands: bodies of JSON.
    expect(banner).not.toMatch(/\{(http|mqtt|kafka)/)
  })

  it('leaves out commands for what is off, and says that it is', () => {
    const banner = readyBanner(config({}), { http: 'http://[::1]:1' }, '1.2.3')
    expect(banner).not.toContain('kcat')
    expect(banner).not.toContain('npx mqtt')
    expect(banner).toContain('off: set KAFKA_BROKERS')
    expect(banner).toContain('Off    source orders, sink enriched-orders, trigger order-enrichment')
  })
})

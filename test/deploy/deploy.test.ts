import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { deployedNodeArgs } from '../support/deployed-node.ts'

const dockerfile = readFileSync('deploy/Dockerfile', 'utf8')
const unit = readFileSync('deploy/sluice.service', 'utf8')
const drainMs = loadConfig('config/standalone.yaml', { environment: {} }).shutdown.drainMs

describe('the Dockerfile', () => {
  it('copies only files that exist, and that .dockerignore lets through', () => {
    const allowed = readFileSync('.dockerignore', 'utf8').split('\n')
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, paths = '']) =>
      paths.split(' ').slice(0, -1),
    )
    expect(copied.length).toBeGreaterThan(5)
    for (const path of copied) {
      expect(existsSync(path), path).toBe(true)
      expect(allowed).toContain(`!${path.replace(/^\.\//, '')}`)
    }
  })

  it('runs as a user without rights, in exec form, in an empty directory, with a health check', () => {
    expect(dockerfile).toMatch(/^USER node$/m)
    expect(dockerfile).toMatch(/^ENTRYPOINT \[/m)
    expect(dockerfile).toMatch(/^CMD \[/m)
    expect(dockerfile).toMatch(/^WORKDIR \/srv\/sluice$/m)
    expect(dockerfile).not.toMatch(/^COPY .* \/srv\/sluice/m)
    expect(dockerfile).toMatch(/HEALTHCHECK [^]*\/healthz/)
    expect(dockerfile).toContain('npm ci --omit=dev --ignore-scripts')
  })

  it('starts what the package starts', () => {
    expect(dockerfile).toContain('/opt/sluice/bin/sluice.js')
    expect(existsSync('bin/sluice.js')).toBe(true)
    const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '') as string[]
    expect(entry).toEqual(['node', ...deployedNodeArgs(), '/opt/sluice/bin/sluice.js'])
    expect(dockerfile.match(/FROM node:(\d+)/g)).toEqual(['FROM node:24', 'FROM node:24'])
  })
})

describe('the systemd unit', () => {
  it('bounds the young generation, as npm start does', () => {
    expect(deployedNodeArgs()).toEqual([expect.stringMatching(/^--max-semi-space-size=\d+$/)])
    const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { start: string } }
    expect(scripts.start).toContain(`node ${deployedNodeArgs().join(' ')} bin/sluice.js start`)
  })

  it('gives the drain its time, and does not start again what cannot start', () => {
    const timeoutMs = Number(/^TimeoutStopSec=(\d+)s$/m.exec(unit)?.[1]) * 1000
    // The process ends itself 5 s after the drain limit; systemd must not be faster.
    expect(timeoutMs).toBeGreaterThan(drainMs + 5_000)
    expect(unit).toMatch(/^KillSignal=SIGTERM$/m)
    expect(unit).toMatch(/^RestartPreventExitStatus=2$/m)
  })

  it('is hardened', () => {
    for (const line of [
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      'ProtectHome=yes',
      'PrivateTmp=yes',
      'CapabilityBoundingSet=',
    ]) {
      expect(unit.split('\n')).toContain(line)
    }
  })
})

describe('the documents of deployment and examples', () => {
  it.each([
    'deploy/README.md',
    ...['webhook-receiver', 'device-telemetry', 'order-enricher', 'price'].map(name => `examples/${name}/README.md`),
  ])('%s names only files that exist', file => {
    const text = readFileSync(file, 'utf8')
    const dir = file.replace(/[^/]+$/, '')
    const named = [
      ...[...text.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path = '']) => dir + path),
      ...[...text.matchAll(/\b(?:deploy|examples|config|bin)\/[\w./-]+\.\w+|\bdeploy\/Dockerfile/g)].map(
        ([path]) => path,
      ),
    ]
    for (const path of named) expect(existsSync(path), path).toBe(true)
  })
})

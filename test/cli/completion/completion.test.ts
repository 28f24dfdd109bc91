import { spawn } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { putFunction } from '../commands/deployed-function.ts'
import { startMemoryGateway, type MemoryGateway } from '../memory-gateway.ts'
import { createProjectFolder, type ProjectFolder } from '../project-folder.ts'
import { cli } from '../test-io.ts'

let gateway: MemoryGateway
let folder: ProjectFolder
beforeAll(async () => {
  gateway = await startMemoryGateway()
  for (const name of ['price', 'prices-old', 'tax']) putFunction(gateway, name, { versions: 2 })
  const environment = { SLUICE_URL: gateway.url }
  await cli(['alias', 'price', 'live', '2'], { environment })
  await cli(['triggers', 'create', 'price-orders', '--stream', 'orders', '--function', 'price'], { environment })
  folder = createProjectFolder()
  // The command by its name, as a shell finds it.
  const launcher = folder.file('sluice', `#!/bin/sh\nexec '${process.execPath}' '${resolve('bin/sluice.js')}' "$@"\n`)
  chmodSync(launcher, 0o755)
  folder.file('price.ts', '')
})
afterAll(async () => {
  folder.remove()
  await gateway.close()
})

const complete = async (...words: string[]) => {
  const { out } = await cli(['__complete', '--', ...words], { environment: { SLUICE_URL: gateway.url } })
  return out
    .split('\n')
    .filter(line => line !== '')
    .map(line => line.split('\t', 1)[0])
}

describe('sluice __complete', () => {
  it.each([
    ['commands', ['dep'], ['deploy']],
    ['subcommands', ['functions', 'd'], ['disable', 'delete', 'delete-version']],
    ['options', ['deploy', '--al'], ['--alias']],
    ['options of a subcommand', ['triggers', 'create', 'x', '--st'], ['--stream', '--start']],
    ['choices', ['logs', 'price', '--level', 'w'], ['warn']],
    ['choices of arguments', ['completion', ''], ['bash', 'zsh', 'fish']],
    ['functions', ['invoke', 'pri'], ['price', 'prices-old']],
    ['functions behind an option', ['logs', '--follow', 'ta'], ['tax']],
    ['what is behind a value that is given', ['stats', '--version', '3', 'ta'], ['tax']],
    ['aliases', ['alias', 'price', ''], ['live']],
    ['versions', ['alias', 'price', 'live', ''], ['2', '1']],
    ['versions of an option', ['rollout', 'price', 'live', '--to', ''], ['2', '1']],
    ['functions with alias or version', ['invoke', 'price@'], ['price@live', 'price@2', 'price@1']],
    ['triggers', ['pause', ''], ['price-orders']],
    ['streams', ['dev', '--stream', 'o'], ['orders']],
    ['sinks', ['triggers', 'create', 'x', '--sink', 'al'], ['alerts']],
    ['files', ['deploy', '--file', ''], [':file']],
    ['names and subcommands', ['functions', 'p'], ['price', 'prices-old']],
    ['nothing where anything may stand', ['pause', 'x', '--reason', ''], []],
    ['nothing for what is not there', ['alias', 'nope', ''], []],
  ])('offers %s', async (_what, words, expected) => {
    const offered = await complete(...words)
    expect(offered.filter(value => value !== '--help')).toEqual(expect.arrayContaining(expected))
    expect(offered).toHaveLength(expected.length)
  })

  it('offers every command, and keeps itself hidden', async () => {
    const commands = await complete('')
    expect(commands).toEqual(
      expect.arrayContaining(['init', 'dev', 'deploy', 'apply', 'rollout', 'stats', 'logs', 'start']),
    )
    expect(commands).not.toContain('__complete')
  })

  it('offers nothing when the gateway is away, and complains not', async () => {
    const environment = { SLUICE_URL: 'http://127.0.0.1:1' }
    expect(await cli(['__complete', '--', 'invoke', ''], { environment })).toEqual({ code: 0, out: '', err: '' })
  })

  it('asks the gateway that the line names', async () => {
    expect(await complete('invoke', '--url', 'http://127.0.0.1:1', 'p')).toEqual([])
  })

  it('lets no name through that a terminal obeys', async () => {
    gateway.streams.push({ name: 'x\u001b[2J', kind: 'home', partitions: [], bytes: null })
    expect(await complete('dev', '--stream', 'x')).toEqual(['x [2J'])
  })
})

/** What bash offers behind a line, with the cursor at its end. */
function bash(line: string): Promise<string[]> {
  const script = `
    source <(sluice completion bash)
    COMP_LINE="$1" COMP_POINT=\${#1}
    read -ra COMP_WORDS <<< "$1"; [[ "$1" == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
    _sluice 2>&1
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const child = spawn('bash', ['--noprofile', '--norc', '-c', script, 'bash', line], {
    cwd: folder.path,
    env: { PATH: `${folder.path}:/usr/bin:/bin`, SLUICE_URL: gateway.url },
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  return new Promise(done => child.on('close', () => done(output.split('\n').filter(text => text !== ''))))
}

describe('the script for bash', () => {
  it('completes commands, options and names', async () => {
    expect(await bash('sluice roll')).toEqual(['rollout'])
    expect(await bash('sluice deploy --pub')).toEqual(['--publish'])
    expect(await bash('sluice invoke pri')).toEqual(['price', 'prices-old'])
  })

  it('completes behind characters at which bash breaks words', async () => {
    expect(await bash('sluice invoke price@li')).toEqual(['live'])
    expect(await bash('sluice invoke price@')).toEqual(['live', '2', '1'])
  })

  it('completes file names', async () => {
    expect(await bash('sluice deploy --file pri')).toEqual(['price.ts'])
  })
})

describe('sluice completion', () => {
  it.each(['bash', 'zsh', 'fish'])('prints a script for %s that asks sluice', async shell => {
    const { code, out } = await cli(['completion', shell])
    expect(code).toBe(0)
    expect(out).toContain('__complete')
  })

  it('exits with 2 for another shell', async () => {
    expect(await cli(['completion', 'tcsh'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('bash, zsh, fish'),
    })
  })
})

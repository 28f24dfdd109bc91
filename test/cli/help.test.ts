import { describe, expect, it } from 'vitest'
import { cli } from './test-io.ts'

const commandsOf = (help: string): string[] =>
  [...help.matchAll(/^ {2}([a-z][a-z-]*) {2,}\S/gm)].map(([, name = '']) => name).filter(name => name !== 'help')

describe('help', () => {
  it('lists the commands in groups', async () => {
    const { out } = await cli(['--help'])
    expect(out).toMatch(/Write functions:\n {2}init .*\nVersions and traffic:\n.*\nRun and watch:\n.*\nGateway:\n/s)
    expect(commandsOf(out).length).toBeGreaterThan(20)
  })

  it('of every command has examples', async () => {
    const names = commandsOf((await cli(['--help'])).out).filter(name => name !== 'version')
    for (const name of names) {
      const { code, out, err } = await cli([name, '--help'])
      expect([name, code, err]).toEqual([name, 0, ''])
      expect(out).toContain(`Examples:\n`)
      expect(out).toContain(`sluice ${name}`)
    }
  })

  it('of every subcommand is there', async () => {
    for (const group of ['functions', 'triggers', 'dead-letters']) {
      const { out } = await cli([group, '--help'])
      for (const name of commandsOf(out.slice(out.indexOf('Commands:')))) {
        expect((await cli([group, name, '--help'])).out).toContain(`Usage: sluice ${group} ${name}`)
      }
    }
  })

  it.each([
    ['a command', ['trigers'], 'Did you mean triggers?'],
    ['a subcommand option', ['triggers', 'create', 'x', '--strem', 'y'], 'Did you mean --stream?'],
  ])('guesses what was meant by %s that is misspelt', async (_what, args, expected) => {
    expect(await cli(args)).toMatchObject({ code: 2, err: expect.stringContaining(expected) })
  })
})

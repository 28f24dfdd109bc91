import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { classify, type Model } from '../../examples/model-scoring/model.ts'
import { exampleFile, startExample, type ExampleGateway } from './example-gateway.ts'

const read = (name: string) => readFileSync(exampleFile('model-scoring', name), 'utf8')

describe('the model scoring example', () => {
  let gateway: ExampleGateway
  beforeAll(async () => void (gateway = await startExample('model-scoring')))
  afterAll(async () => {
    await gateway.stop()
    await gateway.dispose()
  })

  const score = async (body: unknown) => {
    const { status, body: text } = await gateway.post('/score', body)
    return { status, body: JSON.parse(text) as unknown }
  }

  it('names a flower from its measures, and says what is missing', async () => {
    const flower = { sepal_length: 6.3, sepal_width: 3.3, petal_length: 6, petal_width: 2.5 }
    expect(await score(flower)).toMatchObject({ status: 200, body: { species: 'virginica' } })
    expect(await score({ ...flower, petal_width: 'wide', petal_length: undefined })).toEqual({
      status: 400,
      body: { error: 'not a number: petal_length, petal_width' },
    })
  })

  it('is as good as it says on flowers that it has not seen, and is what training makes', () => {
    const model = JSON.parse(read('model.json')) as Model & { accuracy: { heldOut: number; right: number } }
    const rows = read('iris.csv').trim().split('\n').slice(1)
    const heldOut = rows.filter((_, index) => index % 5 === 4).map(line => line.split(','))
    const right = heldOut.filter(cells => classify(model, cells.slice(0, 4).map(Number)).species === cells[4]).length
    expect({ heldOut: heldOut.length, right }).toEqual(model.accuracy)
    expect(read('README.md')).toContain(`it names ${right} rightly`)
    const printed = execFileSync(process.execPath, [
      '--input-type=module',
      '--eval',
      `await import(${JSON.stringify(exampleFile('model-scoring', 'train.ts'))})`,
    ])
    // Imported it trains and writes nothing.
    expect(printed.toString()).toBe('')
  })
})

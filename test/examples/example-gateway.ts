import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { GatewayProcess } from '../e2e/gateway-process.ts'
import { freePort } from '../support/free-port.ts'

const examples = resolve(import.meta.dirname, '../../examples')

/** A file of an example. */
export const exampleFile = (example: string, name: string): string => join(examples, example, name)

/** The gateway of an example: its own configuration, on free ports and a data directory that goes with the test. */
export class ExampleGateway extends GatewayProcess {
  readonly example: string

  constructor(
    example: string,
    directory: string,
    ports: { readonly http: number; readonly mqtt: number },
    env: Readonly<Record<string, string>>,
  ) {
    const places = { PORT: String(ports.http), MQTT_PORT: String(ports.mqtt), DATA_DIR: join(directory, 'data') }
    super(directory, ports, { env: { ...places, ...env } })
    this.example = example
  }

  /** The configuration is not written for the test: it is the one that the README names. */
  override path(name: string): string {
    return name === 'sluice.yaml' ? exampleFile(this.example, 'gateway.yaml') : super.path(name)
  }

  /** `sluice apply` as the README says. */
  apply(): Promise<string> {
    return this.cli('apply', '-f', exampleFile(this.example, 'sluice.yaml'), '--yes')
  }

  /** Status of a POST of these bytes. */
  async postBytes(path: string, contentType: string, body: Uint8Array | string): Promise<number> {
    const response = await fetch(this.url + path, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body: typeof body === 'string' ? body : new Uint8Array(body),
    })
    await response.arrayBuffer()
    return response.status
  }
}

/** Starts the gateway of an example and deploys its functions and triggers. */
export async function startExample(
  example: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ExampleGateway> {
  const directory = await mkdtemp(join(tmpdir(), 'sluice-example-'))
  const ports = { http: await freePort(), mqtt: await freePort() }
  const gateway = new ExampleGateway(example, directory, ports, env)
  try {
    await gateway.start()
    await gateway.apply()
    return gateway
  } catch (error) {
    await gateway.dispose()
    throw error
  }
}

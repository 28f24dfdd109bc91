import type { GatewayAddresses } from './cli/ready-banner.ts'
import type { Config } from './config/config.ts'
import type { SluiceError } from './errors/sluice-error.ts'
import { GatewayParts } from './gateway/gateway-parts.ts'
import type { CreateGateway, GatewayOptions, RunnableGateway } from './run-gateway.ts'

export const createGateway: CreateGateway = (config, options) => new Gateway(config, options)

/**
 * The composition root: builds the stages from right to left, starts them from right to left, stops them from left to
 * right, so that no stage ever hands on to one that is not there. What the parts are stands in gateway/gateway-parts.ts.
 *
 *   created ──start()──▶ starting ──▶ running ──stop()──▶ stopping ──▶ stopped
 *                           └── a part fails: what is open is closed ──▶ stopped
 */
class Gateway implements RunnableGateway {
  readonly #options: GatewayOptions
  readonly #parts: GatewayParts
  #state: 'created' | 'starting' | 'running' | 'stopping' | 'stopped' = 'created'
  #starting: Promise<GatewayAddresses> | undefined
  #failure: SluiceError | undefined
  #closing: Promise<boolean> | undefined

  constructor(config: Config, options: GatewayOptions) {
    this.#options = options
    this.#parts = new GatewayParts(config, {
      ...options,
      onFatal: error => this.#fatal(error),
      state: () => ({ state: this.#state, failure: this.#failure }),
    })
  }

  async start(): Promise<GatewayAddresses> {
    this.#state = 'starting'
    this.#starting = this.#parts.start()
    try {
      const addresses = await this.#starting
      this.#state = 'running'
      return addresses
    } catch (error) {
      await this.#close(0)
      throw error
    }
  }

  async stop({ drainMs }: { drainMs: number; reason: string }): Promise<{ drained: boolean }> {
    await this.#starting?.catch(() => undefined)
    if (this.#state === 'stopped') return { drained: true }
    this.#state = 'stopping'
    return { drained: await this.#close(drainMs) }
  }

  #close(drainMs: number): Promise<boolean> {
    // A signal may come while a failed start is being cleaned up: both wait for the one close.
    return (this.#closing ??= this.#parts.close(drainMs).finally(() => (this.#state = 'stopped')))
  }

  #fatal(error: SluiceError): void {
    if (this.#failure !== undefined) return
    this.#failure = error
    this.#options.onFatal(error)
  }
}

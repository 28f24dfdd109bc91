// Says that it runs, and never ends by itself.
export default (event, { logger }) => {
  logger.info(`holding ${event.data.id}`)
  return new Promise(() => {})
}

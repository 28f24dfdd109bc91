// Fails in as many attempts as the event says, then gives a price.
export default (event, context) => {
  const { id, fails = 0, refused = false } = event.data
  if (context.attempt <= fails) throw new Error(`no price for ${id} yet`)
  return { price: 12.5, refused }
}

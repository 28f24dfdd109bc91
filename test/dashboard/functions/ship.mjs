export default async function ship(event) {
  await new Promise(resolve => setTimeout(resolve, 4))
  return { shipped: event.data.id }
}

interface HttpEvent {
  pathParameters?: Record<string, string>
}

export const handler = async (event: HttpEvent) => {
  const name = event.pathParameters?.name ?? 'world'
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: `hello ${name}` }),
  }
}

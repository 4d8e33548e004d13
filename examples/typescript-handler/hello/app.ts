interface Event {
  pathParameters?: { name?: string };
}

export const handler = async (event: Event, context: { awsRequestId: string }) => {
  const name = event.pathParameters?.name ?? 'world';
  console.log('greeting', name);
  return { message: `${process.env.GREETING} ${name}`, requestId: context.awsRequestId };
};

export const handler = async (event, context) => {
  const name = event.pathParameters?.name ?? 'world';
  console.log('greeting', name);
  return { message: `${process.env.GREETING} ${name}`, requestId: context.awsRequestId };
};

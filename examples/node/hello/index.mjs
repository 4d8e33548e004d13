// A Lambda function in JavaScript: greets the {name} of the path, or the world.
export const handler = async (event) => {
  const name = event.pathParameters?.name ?? "world";
  console.log(`greeting ${name}`);
  return { message: `${process.env.GREETING ?? "hello"}, ${name}` };
};

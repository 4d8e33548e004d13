require 'json'

def handler(event:, context:)
  name = (event['pathParameters'] || {}).fetch('name', 'world')
  {
    statusCode: 200,
    headers: { 'content-type' => 'application/json' },
    body: JSON.generate(message: "hello #{name}")
  }
end

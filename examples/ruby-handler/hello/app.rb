def handler(event:, context:)
  name = event.dig("pathParameters", "name") || "world"
  puts "greeting #{name}"
  { message: "#{ENV["GREETING"]} #{name}", requestId: context.aws_request_id }
end

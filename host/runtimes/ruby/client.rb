# frozen_string_literal: true

# Lambda runtime client for Ruby functions: loads the handler and serves invocations from the Runtime API.
#
# Contract: started as `ruby -Eutf-8 client.rb` with the task root as working directory and the environment of a Lambda
# function (`_HANDLER`, `AWS_LAMBDA_RUNTIME_API`, ...). Two more variables are read and removed: `LAMBKIN_LAYER_PATH`,
# the unpacked layers in order, each laid out as /opt, and `LAMBKIN_SDK_PATH`, a folder of gems that is searched last.
# Everything a function can observe is as with AWS's client (the gem aws_lambda_ric).
#
# Failure rule: what the function does wrong is posted to the Runtime API. After a StandardError the process serves the
# next event, but AWS ends it with status 255 after a NameError, a NoMethodError and everything that is not a
# StandardError, and with 252 after a failure to load the function or to read an event.
#
# `LambdaHandler`, `LambdaContext` and `AwsLambda::Marshaller` are names that functions see or replace.
#
# Ruby 2.7 or later, standard library only. A raw socket, because net/http would lengthen a cold start.

require 'json'
require 'socket'
require 'stringio'

$stdout.sync = true

# AWS's hooks for functions that read and write something else than JSON.
module AwsLambda
  class Marshaller
    class << self
      def marshall_request(raw_request)
        raw_request['Content-Type'] == 'application/json' ? JSON.parse(raw_request.body) : raw_request.body
      end

      # Returns the body, and a content type if it is not JSON.
      def marshall_response(method_response)
        case method_response
        when StringIO, IO then [method_response, 'application/unknown']
        else method_response.to_json
        end
      end
    end
  end
end

# Methods at the top level of a file are called on an instance of this class, as on AWS.
class LambdaHandler
  attr_reader :handler_file_name, :handler_method_name

  def initialize(env_handler:)
    parts = env_handler.split('.')
    case parts.size
    when 2 then @handler_file_name, @handler_method_name = parts
    when 3 then @handler_file_name, @handler_class, @handler_method_name = parts
    else
      raise ArgumentError, "Invalid handler #{parts}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD where " \
                           'FILENAME corresponds with an existing Ruby source file FILENAME.rb, CLASS is an optional ' \
                           'module/class namespace and METHOD is a callable method. If using CLASS, METHOD must be a ' \
                           'class-level method.'
    end
  end

  def call_handler(request:, context:)
    options = { event: request, context: context }
    response = if @handler_class
                 Kernel.const_get(@handler_class).send(@handler_method_name, **options)
               else
                 __send__(@handler_method_name, **options)
               end
    AwsLambda::Marshaller.marshall_response(response)
  end
end

class LambdaContext
  attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name,
              :memory_limit_in_mb, :function_version, :identity, :client_context, :deadline_ms, :tenant_id

  def initialize(request)
    @deadline_ms = request['Lambda-Runtime-Deadline-Ms'].to_i
    @aws_request_id = request['Lambda-Runtime-Aws-Request-Id']
    @invoked_function_arn = request['Lambda-Runtime-Invoked-Function-Arn']
    @tenant_id = request['Lambda-Runtime-Aws-Tenant-Id']
    @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
    @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
    @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
    @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'] # AWS gives text, not a number
    @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
    identity, client_context = request['Lambda-Runtime-Cognito-Identity'], request['Lambda-Runtime-Client-Context']
    @identity = JSON.parse(identity) if identity
    @client_context = JSON.parse(client_context) if client_context
  end

  def get_remaining_time_in_millis
    [@deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond), 0].max
  end
end

module Lambkin
  VERSION = '1.0'
  MAX_XRAY_CAUSE = 1024 * 1024 # bytes; AWS's client leaves out a longer header
  MAX_XRAY_FRAMES = 15
  MAX_FRAMES = 100
  # AWS names these classes in the error-type header, and all others `Function<UserException>`.
  NAMED_ERRORS = %w[ArgumentError NoMethodError Exception StandardError NameError LoadError SystemExit
                    SystemStackError].freeze

  # An answer of the Runtime API; also what AwsLambda::Marshaller.marshall_request gets.
  class Answer
    attr_reader :status, :body

    def initialize(status, headers, body)
      @status, @headers, @body = status, headers, body
    end

    def [](name)
      @headers[name.downcase]
    end
  end

  # The Runtime API over one keep-alive connection, without time limits: `next` may take hours.
  class RuntimeApi
    def initialize(address)
      @address = address
      @host, _, @port = address.rpartition(':')
    end

    def next_invocation
      answer = request('GET', 'invocation/next')
      raise "Received #{answer.status} when waiting for next invocation." unless answer.status.between?(200, 299)

      answer
    end

    # AWS's client does not check the answer to a post either, so a refused response does not end the process. The
    # default content type is that of net/http, which it uses.
    def post(path, body, headers = {})
      request('POST', path, { 'Content-Type' => 'application/x-www-form-urlencoded' }.merge(headers), body)
    end

    private

    def request(method, path, headers = {}, body = '')
      lines = ["#{method} /2018-06-01/runtime/#{path} HTTP/1.1", "Host: #{@address}",
               "User-Agent: lambkin-ruby/#{VERSION}"]
      lines.concat(headers.map { |name, value| "#{name}: #{value}" })
      lines << "Content-Length: #{body.bytesize}" if method == 'POST'
      message = "#{lines.join("\r\n")}\r\n\r\n".b << body.b
      status_line = exchange(message)
      answer = read_answer(status_line.split[1].to_i)
      close if answer['Connection']&.downcase == 'close'
      answer
    end

    # Sends the request and returns the first line of the answer. A server may close an idle connection at any time; on
    # a new one, the lack of an answer is a fault.
    def exchange(message)
      reused = !@socket.nil?
      @socket ||= TCPSocket.new(@host.delete('[]'), @port.to_i).tap do |socket|
        socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
      end
      @socket.write(message)
      @socket.gets("\r\n") || raise(EOFError, 'Runtime API: no answer')
    rescue EOFError, Errno::ECONNRESET, Errno::EPIPE
      close
      raise unless reused

      retry
    end

    def close
      @socket&.close
      @socket = nil
    end

    def read_answer(status)
      headers = {}
      until (line = @socket.gets("\r\n").to_s.chomp).empty?
        name, value = line.split(':', 2)
        headers[name.downcase] = value.to_s.strip.force_encoding('UTF-8')
      end
      body = headers['transfer-encoding'] == 'chunked' ? read_chunks : @socket.read(headers['content-length'].to_i)
      Answer.new(status, headers, body.to_s.force_encoding('UTF-8'))
    end

    def read_chunks
      body = +''.b
      loop do
        size = @socket.gets("\r\n").to_i(16)
        body << @socket.read(size).to_s
        @socket.gets("\r\n") # the line end after a chunk; after the last one, the empty line of no trailers
        return body if size.zero?
      end
    end
  end

  # An exception as AWS reports it. Frames from this file on are left out.
  class Report
    attr_reader :body, :header

    def initialize(exception, phase)
      locations = (exception.backtrace_locations || []).first(MAX_FRAMES).take_while { |l| l.path != __FILE__ }
      type = "#{phase}<#{exception.class}>"
      @body = { errorMessage: exception.message, errorType: type, stackTrace: locations.map(&:to_s) }
      @header = NAMED_ERRORS.include?(exception.class.to_s) ? type : 'Function<UserException>'
      stack = locations.first(MAX_XRAY_FRAMES).map { |l| { path: l.path, line: l.lineno, label: l.label } }
      @xray = { working_directory: Dir.pwd, paths: Gem.path,
                exceptions: [{ message: exception.message, type: type, stack: stack }] }
    end

    def log(title)
      puts title
      puts JSON.pretty_generate(@body)
    end

    def xray_headers
      cause = JSON.dump(@xray)
      cause.bytesize < MAX_XRAY_CAUSE ? { 'Lambda-Runtime-Function-XRay-Error-Cause' => cause } : {}
    end
  end

  # Writes records as frames of big-endian type (4 bytes), length (4), time in microseconds (8) and text. With a
  # descriptor for them, AWS's client sends there what Kernel#puts and a Logger of a standard stream write.
  class FramedLog
    def initialize(descriptor)
      @file = IO.new(descriptor, 'wb')
      @file.sync = true
      @lock = Mutex.new
    end

    def write(text)
      microseconds = Process.clock_gettime(Process::CLOCK_REALTIME, :microsecond)
      @lock.synchronize { @file.write([0xa55a0003, text.bytesize, microseconds].pack('L>L>Q>') + text.b) }
    end

    def close; end # a Logger closes its device; the descriptor stays open for the others

    def install
      require 'logger'
      log = self
      Kernel.module_eval do
        define_method(:puts) do |*values|
          text = values.flatten.map { |value| value.to_s.encode('UTF-8') }.join("\n")
          log.write(text.end_with?("\n") ? text : "#{text}\n")
          nil
        end
      end
      Logger.prepend(Module.new do
        define_method(:initialize) do |device = nil, *rest, **options|
          super([nil, $stdout, $stderr].include?(device) ? log : device, *rest, **options)
        end
      end)
    end
  end

  # Loads the function and serves events until one of the failures that end the process.
  class Runner
    def initialize(address)
      @api = RuntimeApi.new(address)
    end

    # Returns the exit status.
    def run(handler)
      @handler = LambdaHandler.new(env_handler: handler)
      require @handler.handler_file_name
      loop do
        status = serve(wait_for_event)
        return status if status
      end
    rescue Exception => e # AWS: whatever ends the process outside of the handler is an error of the init phase
      return 0 if @shutting_down

      report = Report.new(e, 'Init')
      Lambkin.explain_missing_sdk(e)
      report.log('Init error when loading handler ')
      @api.post('init/error', report.body.to_json, 'Lambda-Runtime-Function-Error-Type' => report.header)
      252
    end

    private

    def wait_for_event
      @api.next_invocation
    rescue SignalException => e
      puts "Next invocation HTTP request from the runtime interface client was interrupted with a #{e} SIGNAL, " \
           'gracefully shutting down.'
      @shutting_down = true
      raise
    end

    # Returns an exit status if the process is to end.
    def serve(request)
      trace_id = request['Lambda-Runtime-Trace-Id']
      ENV['_X_AMZN_TRACE_ID'] = trace_id if trace_id # AWS's client leaves the previous one if there is none
      @path = "invocation/#{request['Lambda-Runtime-Aws-Request-Id']}"
      invocation_id = request['Lambda-Runtime-Invocation-Id']
      @echo = invocation_id ? { 'Lambda-Runtime-Invocation-Id' => invocation_id } : {}
      event = AwsLambda::Marshaller.marshall_request(request)
      context = LambdaContext.new(request)
      begin
        body, content_type = @handler.call_handler(request: event, context: context)
      rescue NameError => e # and NoMethodError
        return report(e, 'Critical exception from handler', 255)
      rescue StandardError => e
        return report(e, 'Error raised from handler method', nil)
      rescue Exception => e
        return report(e, 'Critical exception from handler', 255)
      end
      body = body.read if content_type == 'application/unknown'
      @api.post("#{@path}/response", body, content_type ? @echo.merge('Content-Type' => content_type) : @echo)
      nil
    end

    def report(exception, title, status)
      report = Report.new(exception, 'Function')
      Lambkin.explain_missing_sdk(exception)
      report.log(title)
      headers = { 'Lambda-Runtime-Function-Error-Type' => report.header }.merge(report.xray_headers, @echo)
      @api.post("#{@path}/error", report.body.to_json, headers)
      status
    end
  end

  # AWS's search path: the task, its bundle, the layers (later ones first), then what this Ruby has.
  def self.set_up_path
    root = Dir.pwd
    layers = ENV.fetch('LAMBKIN_LAYER_PATH', '/opt').split(File::PATH_SEPARATOR).reverse
    sdk = ENV['LAMBKIN_SDK_PATH']
    %w[LAMBKIN_LAYER_PATH LAMBKIN_SDK_PATH].each { |name| ENV.delete(name) }
    version = RbConfig::CONFIG['ruby_version']
    bundle = File.join(root, 'vendor/bundle/ruby', version)
    gems = [bundle] + layers.map { |layer| File.join(layer, 'ruby/gems', version) }
    gems.select! { |path| File.directory?(path) }
    libraries = layers.map { |layer| File.join(layer, 'ruby/lib') }.select { |path| File.directory?(path) }
    $LOAD_PATH.unshift(root, *libraries)
    return if gems.empty? && sdk.nil?

    ENV['GEM_PATH'] = [*gems, *Gem.path, *sdk].join(File::PATH_SEPARATOR) # child processes find the gems, too
    Gem.clear_paths
  end

  def self.explain_missing_sdk(error)
    return unless error.is_a?(LoadError) && error.path.to_s.start_with?('aws-sdk')

    name = error.path[/\A[\w-]+/]
    install = File.exist?('Gemfile') ? "bundle add #{name}" : "#{Gem.ruby} -S gem install #{name}"
    puts "lambkin: AWS Lambda includes #{name} in its Ruby runtimes, this machine's Ruby does not have it. " \
         "Install it with: #{install}"
  end

  def self.main
    address = ENV['AWS_LAMBDA_RUNTIME_API']
    abort 'lambkin: AWS_LAMBDA_RUNTIME_API is not set: this program is started by Lambkin, not by hand' unless address
    # AWS has no Ruby runtime with several events per environment, and its client knows none.
    abort 'lambkin: Ruby functions serve one event at a time' if ENV['AWS_LAMBDA_MAX_CONCURRENCY']
    descriptor = ENV.delete('_LAMBDA_TELEMETRY_LOG_FD')
    FramedLog.new(descriptor.to_i).install if descriptor
    set_up_path
    exit(Runner.new(address).run(ENV['_HANDLER'].to_s))
  end
end

Lambkin.main

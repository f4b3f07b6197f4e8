# frozen_string_literal: true

# A formatter of rspec: JUnit at the end, and each finished example at once. It needs no gem.
require "json"

class OpsconsoleJunit
  RSpec::Core::Formatters.register self, :start, :example_passed, :example_failed, :example_pending, :message, :close

  def initialize(output)
    @output = output
    @cases = []
    @messages = []
    out = ENV.fetch("OPSCONSOLE_OUT", nil)
    @progress = out && File.join(out, "progress.jsonl")
  end

  def start(notification)
    tell(total: notification.count)
  end

  def example_passed(notification)
    finished(notification.example, "passed")
  end

  def example_pending(notification)
    finished(notification.example, "skipped", notification.example.execution_result.pending_message.to_s)
  end

  def example_failed(notification)
    error = notification.example.execution_result.exception
    finished(notification.example, "failed", error.message.to_s, detail(notification))
  end

  def message(notification)
    @messages << notification.message.to_s
  end

  def close(_notification)
    if @cases.empty? && @messages.any? { |text| text.include?("error occurred") || text.include?("errors occurred") }
      text = @messages.join("\n")
      @cases << ["", "(load)", "error", 0, text.lines.find { |line| line =~ /\S/ }.to_s.strip, text]
    end
    @output.write("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<testsuites>\n<testsuite name=\"\">\n")
    @cases.each { |each| @output.write(testcase(*each)) }
    @output.write("</testsuite>\n</testsuites>\n")
  end

  private

  def detail(notification)
    [*notification.message_lines, *notification.formatted_backtrace].join("\n")
  end

  def finished(example, outcome, message = "", detail = "")
    file = example.file_path.to_s.delete_prefix("./")
    seconds = example.execution_result.run_time.to_f
    name = example.full_description.to_s
    @cases << [file, name, outcome, seconds, message, detail]
    tell(id: printable("#{file}::#{name}"), outcome: outcome, s: seconds.round(6))
  end

  def testcase(file, name, outcome, seconds, message, detail)
    start = "<testcase classname=\"#{quoted(file)}\" name=\"#{quoted(name)}\" time=\"#{format('%.6f', seconds)}\""
    kind = { "failed" => "failure", "skipped" => "skipped", "error" => "error" }[outcome]
    return "#{start}/>\n" unless kind

    first = message.lines.map(&:strip).find { |line| !line.empty? }.to_s
    "#{start}><#{kind} message=\"#{quoted(first)}\">#{quoted(detail)}</#{kind}></testcase>\n"
  end

  def quoted(text)
    printable(text).gsub(/[&<>"\n\r\t]/) { |letter| "&##{letter.ord};" }
  end

  def printable(text)
    text.to_s.encode("UTF-8", invalid: :replace, undef: :replace).scrub("?")
        .gsub(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/) { |letter| format("#x%02X", letter.ord) }
  end

  def tell(line)
    File.open(@progress, "a") { |file| file.write("#{JSON.generate(line)}\n") } if @progress
  rescue SystemCallError
    @progress = nil
  end
end

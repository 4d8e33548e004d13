package dev.lambkin;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * AWS Lambda functions and their triggers in tests: runs {@code lambkin serve} on free ports.
 *
 * <p>After {@link #start}, everything of the project listens; after {@link #close}, no process of it is left. On failure:
 * {@link LambkinException}, with what Lambkin has logged.
 */
public final class Lambkin implements AutoCloseable {
    /** How long a project may take to listen and to stop, and how long {@link #waitForLog} waits. */
    public static final Duration TIMEOUT = Duration.ofMinutes(1);

    /** Names and URLs, as in the JSON line that says that everything listens. */
    private static final Pattern TEXT_MEMBER = Pattern.compile("\"((?:[^\"\\\\]|\\\\.)*)\":\"((?:[^\"\\\\]|\\\\.)*)\"");

    private final Process process;
    private final StringBuilder log = new StringBuilder();
    private final Thread reader;
    private final HttpClient client = HttpClient.newHttpClient();
    private String invokeUrl;
    private Map<String, String> urls;
    private Map<String, String> outputs;

    private Lambkin(Process process) {
        this.process = process;
        this.reader = new Thread(this::readLog);
        reader.setDaemon(true);
        reader.start();
    }

    /**
     * Runs the project in a folder, or that of a file, with further arguments of {@code lambkin serve}. The program is that of
     * the variable {@code LAMBKIN}, else the one in {@code PATH}.
     */
    public static Lambkin start(Path project, String... arguments) {
        String program = System.getenv().getOrDefault("LAMBKIN", "lambkin");
        Path whole = project.toAbsolutePath().normalize();
        boolean isFolder = Files.isDirectory(whole);
        List<String> command = new ArrayList<>(List.of(program, "serve", "--json", "--free-ports"));
        command.addAll(List.of(arguments));
        if (!isFolder) {
            command.addAll(List.of("--config", whole.toString()));
        }
        try {
            Process process = new ProcessBuilder(command)
                    .directory((isFolder ? whole : whole.getParent()).toFile())
                    .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
                    .start();
            return new Lambkin(process).listening();
        } catch (IOException error) {
            throw new LambkinException("install lambkin, or set LAMBKIN to its path: " + error.getMessage());
        }
    }

    private Lambkin listening() throws IOException {
        Thread killer = new Thread(() -> {
            try {
                Thread.sleep(TIMEOUT.toMillis());
                process.destroyForcibly();
            } catch (InterruptedException listens) {
                // It listens.
            }
        });
        killer.setDaemon(true);
        killer.start();
        BufferedReader out = process.inputReader(StandardCharsets.UTF_8);
        String line = out.readLine();
        killer.interrupt();
        if (line == null) {
            close();
            throw new LambkinException("lambkin serve did not start:\n" + log());
        }
        invokeUrl = members(line, "").get("invoke");
        urls = members(line, "triggers");
        urls.putAll(members(line, "services"));
        outputs = members(line, "outputs");
        return this;
    }

    /** The members with texts of an object in the line, or of the line itself. */
    private static Map<String, String> members(String line, String object) {
        String text = line;
        if (!object.isEmpty()) {
            int start = line.indexOf("\"" + object + "\":{");
            int end = start < 0 ? -1 : line.indexOf('}', start);
            text = end < 0 ? "" : line.substring(start + object.length() + 4, end);
        }
        Map<String, String> members = new TreeMap<>();
        Matcher matcher = TEXT_MEMBER.matcher(text);
        while (matcher.find()) {
            members.put(matcher.group(1), matcher.group(2).replace("\\\"", "\"").replace("\\\\", "\\"));
        }
        return members;
    }

    /**
     * Invokes a function by its name, logical id or ARN, and returns its result.
     *
     * @throws FunctionException if the function fails
     */
    public String invoke(String function, String event) {
        String name = URLEncoder.encode(function, StandardCharsets.UTF_8);
        URI uri = URI.create(invokeUrl + "/2015-03-31/functions/" + name + "/invocations");
        HttpRequest request = HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.ofString(event)).build();
        HttpResponse<String> response;
        try {
            response = client.send(request, HttpResponse.BodyHandlers.ofString());
        } catch (IOException error) {
            throw new LambkinException(function + " was not invoked: " + error);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new LambkinException(function + " was not invoked: the thread was interrupted");
        }
        if (response.statusCode() != 200) {
            throw new LambkinException(function + " was not invoked: " + response.statusCode() + " " + response.body());
        }
        if (response.headers().firstValue("X-Amz-Function-Error").isPresent()) {
            throw new FunctionException(function, response.body());
        }
        return response.body();
    }

    /** The URL of a trigger or of a service, without a {@code /} at its end. */
    public String url(String name) {
        String url = urls.get(name);
        if (url == null) {
            String known = String.join(", ", urls.keySet());
            throw new LambkinException(
                    "there is no trigger and no service '" + name + "' with a URL; there are: " + known);
        }
        return url;
    }

    /** The outputs of the project's templates. */
    public Map<String, String> outputs() {
        return Map.copyOf(outputs);
    }

    /** What functions and Lambkin have logged so far. */
    public String log() {
        synchronized (log) {
            return log.toString();
        }
    }

    /** Waits until a text was logged, and returns the log. */
    public String waitForLog(String text) {
        long end = System.nanoTime() + TIMEOUT.toNanos();
        synchronized (log) {
            while (log.indexOf(text) < 0) {
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (left <= 0) {
                    throw new LambkinException("'" + text + "' was not logged:\n" + log);
                }
                try {
                    log.wait(left);
                } catch (InterruptedException interrupted) {
                    Thread.currentThread().interrupt();
                    throw new LambkinException("the thread was interrupted; the log:\n" + log);
                }
            }
            return log.toString();
        }
    }

    /** Ends everything, and waits for it. */
    @Override
    public void close() {
        process.destroy();
        try {
            if (!process.waitFor(TIMEOUT.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
            reader.join();
        } catch (InterruptedException interrupted) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private void readLog() {
        try (BufferedReader lines = process.errorReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                synchronized (log) {
                    log.append(line).append('\n');
                    log.notifyAll();
                }
            }
        } catch (IOException ended) {
            // The process has ended.
        }
    }
}

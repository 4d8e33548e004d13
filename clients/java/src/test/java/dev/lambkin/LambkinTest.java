package dev.lambkin;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;

/** Runs against a project of one function in bash, without a framework. LAMBKIN names the program. */
public final class LambkinTest {
    private static final String BOOTSTRAP = """
            #!/bin/bash
            api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
            while true; do
              event=$(curl -sS -D headers.$$ "$api/next")
              id=$(grep -i ^lambda-runtime-aws-request-id headers.$$ | tr -d '\\r' | cut -d ' ' -f 2)
              echo "got $event" >&2
              case $event in
                *fail*) curl -sS "$api/$id/error" -d '{"errorMessage":"as asked","errorType":"Asked"}' >/dev/null ;;
                *) curl -sS "$api/$id/response" -d '{"statusCode":200,"body":"hello"}' >/dev/null ;;
              esac
            done
            """;
    private static final String CONFIG = """
            [functions.hello]
            code = "hello"
            [triggers.web]
            plugin = "api-gateway-http"
            listen = "127.0.0.1:3000"
            routes = { "$default" = "hello" }
            """;

    /** Exits with 1 if something is not as expected. */
    public static void main(String[] arguments) throws Exception {
        Path folder = Files.createTempDirectory("lambkin-testing-");
        Path bootstrap = folder.resolve("hello/bootstrap");
        Files.createDirectory(bootstrap.getParent());
        Files.writeString(bootstrap, BOOTSTRAP);
        bootstrap.toFile().setExecutable(true);
        Files.writeString(folder.resolve("lambkin.toml"), CONFIG);
        Path wrong = Files.writeString(folder.resolve("wrong.toml"), "[functions.hello]\ncode = 'nowhere'\n");

        try (Lambkin lambkin = Lambkin.start(folder)) {
            has(lambkin.invoke("hello", "{\"n\":1}"), "\"body\":\"hello\"");
            HttpRequest request = HttpRequest.newBuilder(URI.create(lambkin.url("web") + "/x")).build();
            has(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body(), "hello");
            has(lambkin.waitForLog("got {\"n\":1}"), "got {\"n\":1}");
            has(message(() -> lambkin.url("wbe")), "there are: web");
            has(message(() -> lambkin.invoke("other", "{}")), "404");
            try {
                lambkin.invoke("hello", "{\"fail\":true}");
                throw new AssertionError("the function did not fail");
            } catch (FunctionException failed) {
                has(failed.payload(), "as asked");
            }
        }
        has(message(() -> Lambkin.start(wrong)), "nowhere");
        System.out.println("ok");
    }

    private static void has(String text, String part) {
        if (!text.contains(part)) {
            throw new AssertionError("no " + part + " in: " + text);
        }
    }

    private static String message(Runnable runnable) {
        try {
            runnable.run();
        } catch (LambkinException error) {
            return error.getMessage();
        }
        throw new AssertionError("nothing was wrong");
    }
}

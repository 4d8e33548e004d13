import java.util.Map;

public class Handler {
    public Map<String, Object> handleRequest(Map<String, Object> event) {
        String name = "world";
        if (event.get("pathParameters") instanceof Map<?, ?> parameters && parameters.get("name") != null) {
            name = parameters.get("name").toString();
        }
        return Map.of(
                "statusCode", 200,
                "headers", Map.of("content-type", "application/json"),
                "body", "{\"message\": \"hello " + name + "\"}");
    }
}

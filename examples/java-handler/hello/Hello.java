import com.amazonaws.services.lambda.runtime.Context;
import java.util.Map;

public class Hello {
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        Map<?, ?> parameters = (Map<?, ?>) event.get("pathParameters");
        Object name = parameters == null ? "world" : parameters.get("name");
        System.out.println("greeting " + name);
        return Map.of("message", System.getenv("GREETING") + " " + name, "requestId", context.getAwsRequestId());
    }
}

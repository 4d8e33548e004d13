package dev.lambkin;

/** A function has failed. */
public final class FunctionException extends LambkinException {
    private static final long serialVersionUID = 1;

    private final String payload;

    FunctionException(String function, String payload) {
        super(function + " failed: " + payload);
        this.payload = payload;
    }

    /** The function's error as JSON, with {@code errorType} and {@code errorMessage}. */
    public String payload() {
        return payload;
    }
}

package dev.lambkin;

/** Lambkin did not do what was asked; the message has what it has logged. */
public class LambkinException extends RuntimeException {
    private static final long serialVersionUID = 1;

    LambkinException(String message) {
        super(message);
    }
}

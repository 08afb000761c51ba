// The WebSocket of java.net.http as a client. `java Client.java URL`. It offers no extension, and lets nobody else offer
// one. The scenario is that of ../rust/src/lib.rs.

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

public class Client {
    static final String[] OFFERED = {"interop.v2", "interop.v1"};
    static final String SPOKEN = "interop.v1";
    static final int LARGE = 1 << 20;
    static final int FRAGMENT = 64 << 10;
    static final String UNICODE = "\0\u007f\u0080\u07ff\u0800\ud7ff\ue000\ufeff\ufffe\uffff\ud800\udc00\udbff\udfff"
            + " Grüße κόσμε 日本 👩\u200d🚀";
    static final int CLIENT_CODE = 4002, SERVER_CODE = 4001;
    static final String CLIENT_REASON = "tschüß ✓", SERVER_REASON = "до свидания ✓";
    static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);

    public static void main(String[] args) throws Exception {
        Incoming incoming = new Incoming();
        WebSocket ws = open(args[0], incoming);
        byte[] pattern = new byte[LARGE];
        for (int n = 0; n < LARGE; n++) pattern[n] = (byte) (n % 251);
        byte[] all = new byte[256];
        for (int n = 0; n < all.length; n++) all[n] = (byte) n;

        check("subprotocol", () -> equal(ws.getSubprotocol(), SPOKEN));
        check("text", () -> echoes(ws, incoming, "hello"));
        check("unicode", () -> echoes(ws, incoming, UNICODE));
        check("binary", () -> echoes(ws, incoming, all));
        check("empty", () -> {
            echoes(ws, incoming, "");
            echoes(ws, incoming, new byte[0]);
        });
        check("1 MiB binary", () -> echoes(ws, incoming, pattern));
        check("1 MiB text", () -> echoes(ws, incoming, "é".repeat(LARGE / 2)));
        check("fragments sent", () -> {
            for (int at = 0; at < LARGE; at += FRAGMENT) {
                ws.sendBinary(ByteBuffer.wrap(pattern, at, FRAGMENT), at + FRAGMENT == LARGE).join();
            }
            equal(incoming.read(), pattern);
        });
        check("fragments received", () -> {
            ws.sendText("please fragment", true).join();
            equal(incoming.read(), pattern);
        });
        check("ping sent", () -> {
            ws.sendPing(ByteBuffer.wrap("interop".getBytes(StandardCharsets.UTF_8))).join();
            equal(incoming.pong.get(30, TimeUnit.SECONDS), "interop");
        });
        check("ping received", () -> {
            Object answer;
            do {
                ws.sendText("please ping", true).join();
                answer = incoming.read();
            } while (answer.equals("not yet"));
            equal(answer, "pong");
        });
        check("close by client", () -> {
            ws.sendClose(CLIENT_CODE, CLIENT_REASON).join();
            equal(incoming.closed.get(30, TimeUnit.SECONDS).split(" ")[0], "" + CLIENT_CODE);
        });
        check("close by server", () -> {
            Incoming second = new Incoming();
            open(args[0], second).sendText("please close " + SERVER_CODE + " " + SERVER_REASON, true).join();
            equal(second.closed.get(30, TimeUnit.SECONDS), SERVER_CODE + " " + SERVER_REASON);
        });
        System.exit(0);
    }

    interface Work {
        void run() throws Exception;
    }

    static void check(String name, Work work) {
        try {
            work.run();
            OUT.println("ok " + name);
        } catch (Exception error) {
            OUT.println("FAILED " + name + ": " + error);
        }
    }

    static void equal(Object got, Object wanted) throws Exception {
        boolean same = wanted instanceof byte[] bytes
                ? got instanceof byte[] others && Arrays.equals(bytes, others)
                : wanted.equals(got);
        if (!same) throw new Exception("got " + got + ", not " + wanted);
    }

    static void echoes(WebSocket ws, Incoming incoming, Object message) throws Exception {
        if (message instanceof String text) ws.sendText(text, true).join();
        else ws.sendBinary(ByteBuffer.wrap((byte[]) message), true).join();
        equal(incoming.read(), message);
    }

    static WebSocket open(String url, Incoming incoming) {
        return HttpClient.newHttpClient().newWebSocketBuilder().subprotocols(OFFERED[0], OFFERED[1])
                .buildAsync(URI.create(url), incoming).join();
    }

    /** Puts the pieces of messages together, and keeps what came. */
    static class Incoming implements WebSocket.Listener {
        final CompletableFuture<String> closed = new CompletableFuture<>();
        final CompletableFuture<String> pong = new CompletableFuture<>();
        private final BlockingQueue<Object> messages = new LinkedBlockingQueue<>();
        private final StringBuilder text = new StringBuilder();
        private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

        Object read() throws Exception {
            Object message = messages.poll(30, TimeUnit.SECONDS);
            if (message == null) throw new Exception("nothing came");
            return message;
        }

        @Override
        public CompletionStage<?> onText(WebSocket ws, CharSequence piece, boolean last) {
            text.append(piece);
            if (last) {
                messages.add(text.toString());
                text.setLength(0);
            }
            ws.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onBinary(WebSocket ws, ByteBuffer piece, boolean last) {
            byte[] copy = new byte[piece.remaining()];
            piece.get(copy);
            bytes.writeBytes(copy);
            if (last) {
                messages.add(bytes.toByteArray());
                bytes.reset();
            }
            ws.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onPong(WebSocket ws, ByteBuffer payload) {
            pong.complete(StandardCharsets.UTF_8.decode(payload).toString());
            ws.request(1);
            return null;
        }

        @Override
        public CompletionStage<?> onClose(WebSocket ws, int code, String reason) {
            closed.complete(code + " " + reason);
            return null;
        }

        @Override
        public void onError(WebSocket ws, Throwable error) {
            closed.completeExceptionally(error);
            pong.completeExceptionally(error);
        }
    }
}

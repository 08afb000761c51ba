// gorilla/websocket as a peer, with compression. `gorilla server`: listens and says where; `gorilla compressed EXTENSION
// URL...`: the scenario of ../rust/src/compressed.rs. It knows one extension, whatever is named: neither side takes its context
// over, and an answer that lacks either parameter is none to its client.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/gorilla/websocket"
)

const (
	series      = 32
	unicode     = "\x00\x7f\u0080\u07ff\u0800\ud7ff\ue000\ufeff\ufffe\uffff\U00010000\U0010ffff Grüße κόσμε 日本 👩\u200d🚀"
	clientCode  = 4002
	clientCause = "tschüß ✓"
)

var subprotocols = []string{"interop.v1"}

type message struct {
	kind int
	data []byte
}

func main() {
	if os.Args[1] == "server" {
		serve()
		return
	}
	cases := os.Args[2:]
	for n := 0; 2*n < len(cases); n++ {
		if err := runOne(cases[2*n+1]); err != nil {
			fmt.Printf("FAILED %d: %v\n", n, err)
		} else {
			fmt.Printf("ok %d\n", n)
		}
	}
}

func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("listening", listener.Addr().(*net.TCPAddr).Port)
	upgrader := websocket.Upgrader{EnableCompression: true, Subprotocols: subprotocols}
	err = http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer ws.Close()
		for {
			kind, data, err := ws.ReadMessage()
			if err != nil {
				return // the Close was answered by the library
			}
			if string(data) == "please fragment" {
				kind, data = websocket.BinaryMessage, pattern()
			}
			if ws.WriteMessage(kind, data) != nil {
				return
			}
		}
	}))
	panic(err)
}

func runOne(url string) error {
	dialer := websocket.Dialer{EnableCompression: true, Subprotocols: subprotocols}
	ws, _, err := dialer.Dial(url, nil)
	if err != nil {
		return err
	}
	defer ws.Close()
	large := message{websocket.BinaryMessage, []byte(telemetry(1 << 20))}
	for _, message := range append(messages(), large) {
		if err := ws.WriteMessage(message.kind, message.data); err != nil {
			return err
		}
		if err := receive(ws, message); err != nil {
			return err
		}
	}
	if err := ws.WriteMessage(websocket.TextMessage, []byte("please fragment")); err != nil {
		return err
	}
	if err := receive(ws, message{websocket.BinaryMessage, pattern()}); err != nil {
		return err
	}
	for n := 0; n < series; n++ {
		if err := ws.WriteMessage(websocket.TextMessage, []byte(line(n))); err != nil {
			return err
		}
	}
	for n := 0; n < series; n++ {
		if err := receive(ws, message{websocket.TextMessage, []byte(line(n))}); err != nil {
			return err
		}
	}
	payload := websocket.FormatCloseMessage(clientCode, clientCause)
	if err := ws.WriteMessage(websocket.CloseMessage, payload); err != nil {
		return err
	}
	_, _, err = ws.ReadMessage()
	var closed *websocket.CloseError
	if !errors.As(err, &closed) || closed.Code != clientCode {
		return fmt.Errorf("closed with %v", err)
	}
	return nil
}

func receive(ws *websocket.Conn, wanted message) error {
	kind, data, err := ws.ReadMessage()
	if err == nil && (kind != wanted.kind || !bytes.Equal(data, wanted.data)) {
		err = fmt.Errorf("got %.80q, not %.80q", data, wanted.data)
	}
	return err
}

func messages() []message {
	text := func(text string) message { return message{websocket.TextMessage, []byte(text)} }
	binary := func(data []byte) message { return message{websocket.BinaryMessage, data} }
	return []message{
		text(""), binary(nil), text("x"), text(strings.Repeat("a", 63)), text(strings.Repeat("a", 64)),
		text(telemetry(10000)), text(strings.Repeat(unicode, 50)),
		binary(noise(64 << 10)), binary(bytes.Repeat(noise(12000), 2)), text(telemetry(1 << 20)),
	}
}

// So many bytes of such JSON as a device sends.
func telemetry(count int) string {
	var text strings.Builder
	for n := 0; text.Len() < count; n++ {
		text.WriteString(line(n) + "\n")
	}
	return text.String()[:count]
}

func line(n int) string {
	return fmt.Sprintf(`{"sensor":"kitchen","seq":%d,"temperature":%d.%d,"humidity":%d,"battery":"ok"}`, n, 20+n%7, n%10, 40+n%23)
}

// Bytes without a pattern; always the same.
func noise(length int) []byte {
	state, out := uint32(1), make([]byte, length)
	for n := range out {
		state = state*1664525 + 1013904223
		out[n] = byte(state >> 24)
	}
	return out
}

func pattern() []byte {
	out := make([]byte, 1<<20)
	for n := range out {
		out[n] = byte(n % 251)
	}
	return out
}

package hostile

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// endlessAnswers: an enemy answers one agent's requests, then those about
// Finesse itself. Each exchange ends, and the watch goes on.
func endlessAnswers(t *testing.T, s *site) {
	repeat := func(first, again string) func(net.Conn) error {
		return func(c net.Conn) error {
			_, err := io.WriteString(c, first)
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for ; err == nil; <-tick.C {
				_, err = io.WriteString(c, again)
			}
			return err
		}
	}
	cases := map[string]func(net.Conn) error{
		"switching protocols":     repeat("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "x"),
		"early hints without end": repeat("", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
		"a head without end":      repeat("HTTP/1.1 200 OK\r\n", "X: y\r\n"),
		"a body without end":      repeat("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x"),
		"nothing at all":          nothing,
		"a redirect to itself": func(c net.Conn) error {
			_, err := io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
			return err
		},
		"rubbish in place of HTTP": func(c net.Conn) error { _, err := c.Write(bytes.Repeat([]byte{0xFF}, 1<<20)); return err },
	}
	begin := time.Now()
	agent, at := 1010, map[string]string{}
	for rule, answer := range cases { // all at once
		agent++
		id := strconv.Itoa(agent)
		at[id] = rule
		s.door.answers(gc.AgentID(id), answer)
		s.driver.send(t, "Connect#"+id, desk+",secret")
	}
	for len(at) > 0 {
		id, _, _ := strings.Cut(s.driver.until(t, "#Error#").body, "#")
		require.Less(t, time.Since(begin), 15*time.Second, at[id])
		s.door.answers(gc.AgentID(id), nil)
		delete(at, id)
	}
	s.driver.send(t, "Connect#1011", desk+",secret")
	s.driver.send(t, "Login#1011", "secret,2011")
	s.driver.until(t, "1011#State#NOT_READY")
	s.driver.send(t, "Logout#1011", "")
	s.driver.until(t, "1011#State#LOGOUT")

	s.door.answers("", cases["switching protocols"]) // SystemInfo has no credentials
	s.driver.until(t, "System#")
	s.door.answers("", nil)
	s.driver.until(t, "System#IN_SERVICE")
}

// clearText: a notification service, or somebody between, that offers no TLS.
func clearText(t *testing.T, s *site) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	var mu sync.Mutex
	var got bytes.Buffer
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(patience))
				_, _ = io.WriteString(c, `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='1' from='finesse.local'>`+
					`<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features>`)
				b := make([]byte, 4096)
				for {
					n, err := c.Read(b)
					mu.Lock()
					got.Write(b[:n])
					mu.Unlock()
					if err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		serving.Wait()
	})
	config := s.configuration(t, "clear.yaml", s.door.url(), "xmpp://"+l.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	serve := exec.CommandContext(ctx, s.program, "serve", "--config", config)
	serve.Env = append(serve.Environ(), "FINESSE_CONNECTOR_BROKER_COMMAND_QUEUE=Lab", "FINESSE_CONNECTOR_CAPTURE_FILE="+filepath.Join(s.dir, "clear.jsonl"))
	require.NoError(t, serve.Start())
	c := s.connect(t, "clear")
	for _, m := range []broker.Outgoing{outgoing("Hello#clear", ""), outgoing("Connect#1009", "clear,secret")} {
		m.Destination = "/queue/Lab"
		require.NoError(t, c.Send(t.Context(), m))
	}
	c.until(t, "1009#Error#")
	require.NoError(t, serve.Process.Kill())
	_ = serve.Wait()
	mu.Lock()
	defer mu.Unlock()
	require.NotEmpty(t, got.String(), "somebody came")
	require.NotContains(t, got.String(), base64.StdEncoding.EncodeToString([]byte("\x001009\x00secret")))
	require.False(t, strings.Contains(got.String(), "<auth"), got.String())
}

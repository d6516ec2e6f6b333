package localhttp

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// PORT stands for the server's port, MACHINE for the machine's name, ADDRESS for
// an address of it that is not loopback.
func TestTheHostOfARequestNamesTheServer(t *testing.T) {
	machine, err := os.Hostname()
	require.NoError(t, err)
	for _, k := range []struct {
		listen, connect, host string
		status                int
	}{
		{"127.0.0.1:0", "127.0.0.1", "127.0.0.1:PORT", 200},
		{"127.0.0.1:0", "127.0.0.1", "localhost:PORT", 200},
		{"127.0.0.1:0", "127.0.0.1", "LocalHost.:PORT", 200},
		{"127.0.0.1:0", "127.0.0.1", "127.1.2.3:PORT", 200},
		{"127.0.0.1:0", "127.0.0.1", "[::1]:PORT", 200},
		{"127.0.0.1:0", "127.0.0.1", "[::ffff:127.0.0.1]:PORT", 200},
		{"127.0.0.1:0", "127.0.0.1", "evil.example:PORT", 421},
		{"127.0.0.1:0", "127.0.0.1", "localhost.evil.example:PORT", 421},
		{"127.0.0.1:0", "127.0.0.1", "127.0.0.1.evil.example:PORT", 421},
		{"127.0.0.1:0", "127.0.0.1", "MACHINE:PORT", 421}, // the name leads to no loopback address
		{"127.0.0.1:0", "127.0.0.1", "10.0.0.1:PORT", 421},
		{"127.0.0.1:0", "127.0.0.1", "0.0.0.0:PORT", 421},
		{"127.0.0.1:0", "127.0.0.1", "[::]:PORT", 421},
		{"127.0.0.1:0", "127.0.0.1", "127.0.0.1:1", 421},
		{"127.0.0.1:0", "127.0.0.1", "127.0.0.1", 421},
		{"127.0.0.1:0", "127.0.0.1", "[::1]", 421},
		{"127.0.0.1:0", "127.0.0.1", "localhost", 421},
		{"127.0.0.1:0", "127.0.0.1", ":PORT", 421},
		{"localhost:0", "127.0.0.1", "localhost:PORT", 200},
		{"localhost:0", "127.0.0.1", "127.0.0.1:PORT", 200},
		{"0.0.0.0:0", "127.0.0.1", "127.0.0.1:PORT", 200},
		{"0.0.0.0:0", "127.0.0.1", "localhost:PORT", 200},
		{"0.0.0.0:0", "127.0.0.1", "MACHINE:PORT", 200},
		{"0.0.0.0:0", "127.0.0.1", "0.0.0.0:PORT", 421},
		{"0.0.0.0:0", "127.0.0.1", "10.255.255.254:PORT", 421},
		{"0.0.0.0:0", "127.0.0.1", "evil.example:PORT", 421},
		{":0", "127.0.0.1", "localhost:PORT", 200},
		{":0", "127.0.0.1", ":PORT", 421},
		{"0.0.0.0:0", "ADDRESS", "ADDRESS:PORT", 200},
		{"0.0.0.0:0", "ADDRESS", "MACHINE:PORT", 200},
		{"0.0.0.0:0", "ADDRESS", "localhost:PORT", 421},
		{"0.0.0.0:0", "ADDRESS", "127.0.0.1:PORT", 421},
		{"0.0.0.0:0", "ADDRESS", "evil.example:PORT", 421},
		{"ADDRESS:0", "ADDRESS", "ADDRESS:PORT", 200},
		{"ADDRESS:0", "ADDRESS", "MACHINE:PORT", 200},
		{"ADDRESS:0", "ADDRESS", "evil.example:PORT", 421},
	} {
		t.Run(fmt.Sprintf("%s asked at %s for %s", k.listen, k.connect, k.host), func(t *testing.T) {
			if strings.Contains(k.listen+k.connect, "ADDRESS") {
				k.listen, k.connect = strings.ReplaceAll(k.listen, "ADDRESS", outside(t)), outside(t)
				k.host = strings.ReplaceAll(k.host, "ADDRESS", k.connect)
			}
			asked := 0
			s, logs := serve(t, k.listen, func(http.ResponseWriter, *http.Request) { asked++ })
			host := strings.NewReplacer("PORT", port(s), "MACHINE", machine).Replace(k.host)
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				require.Equal(t, k.status, ask(t, method, net.JoinHostPort(k.connect, port(s)), "Host", host).StatusCode)
			}
			if k.status == http.StatusOK {
				require.Equal(t, 2, asked)
				require.Zero(t, logs.Len())
				return
			}
			require.Zero(t, asked, "no handler sees it")
			require.Equal(t, 1, logs.FilterLevelExact(zap.WarnLevel).Len(), "logged once")
			require.NotContains(t, fmt.Sprint(logs.All()[0].ContextMap()), "evil", "a stranger's words are not logged")
		})
	}
}

// outside returns an address of this machine that others could reach.
func outside(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	require.NoError(t, err)
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.To4() != nil && !ip.IP.IsLoopback() {
			return ip.IP.String()
		}
	}
	t.Skip("this machine has loopback addresses only")
	return ""
}

// A name in the configuration is one of the server's; here it is checked
// without a name server.
func TestTheConfiguredHostIsAName(t *testing.T) {
	at := &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 8112}
	g := newGuard("Connector.example.com:8112", at, http.NotFoundHandler(), zap.NewNop())
	require.Contains(t, g.names, "connector.example.com")
	require.Contains(t, g.accepted, "connector.example.com")
}

func TestAProbeWithoutAHostIsAnswered(t *testing.T) {
	s, _ := serve(t, "127.0.0.1:0", func(http.ResponseWriter, *http.Request) {})
	for request, status := range map[string]string{
		"GET / HTTP/1.0\r\n\r\n":                                     "HTTP/1.0 200 OK",
		"GET / HTTP/1.0\r\nHost: evil.example\r\n\r\n":               "HTTP/1.0 421 Misdirected Request",
		"GET / HTTP/1.1\r\n\r\n":                                     "HTTP/1.1 400 Bad Request",
		"GET / HTTP/1.1\r\nHost:\r\n\r\n":                            "HTTP/1.1 421 Misdirected Request",
		"GET http://evil.example/ HTTP/1.1\r\nHost: ADDR\r\n\r\n":    "HTTP/1.1 421 Misdirected Request",
		"GET / HTTP/1.1\r\nHost: ADDR\r\nHost: evil.example\r\n\r\n": "HTTP/1.1 400 Bad Request",
	} {
		c := dial(t, s)
		require.NoError(t, c.SetDeadline(time.Now().Add(5*time.Second)))
		_, err := io.WriteString(c, strings.Replace(request, "ADDR", s.Addr().String(), 1))
		require.NoError(t, err)
		answer := make([]byte, len(status))
		_, err = io.ReadFull(c, answer)
		require.NoError(t, err)
		require.Equal(t, status, string(answer), request)
	}
}

func TestChangesComeFromNoOtherSite(t *testing.T) {
	const ours, other = "http://127.0.0.1:PORT", "http://evil.example"
	for _, k := range []struct {
		method string
		header []string
		status int
	}{
		{"POST", nil, 200}, // a program
		{"POST", []string{"Origin", ours}, 200},
		{"POST", []string{"Origin", ours, "Sec-Fetch-Site", "same-origin"}, 200},
		{"POST", []string{"Sec-Fetch-Site", "none"}, 200},
		{"POST", []string{"Origin", other}, 403},
		{"POST", []string{"Origin", "null"}, 403},
		{"POST", []string{"Origin", "http://127.0.0.1:1"}, 403},
		{"POST", []string{"Origin", "https://127.0.0.1:PORT"}, 403},
		{"POST", []string{"Origin", "http://localhost:PORT"}, 403},
		{"POST", []string{"Origin", ours, "Origin", other}, 403},
		{"POST", []string{"Origin", other, "Sec-Fetch-Site", "same-origin"}, 403},
		{"POST", []string{"Origin", other, "Sec-Fetch-Site", "none"}, 403},
		{"POST", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"POST", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"POST", []string{"Origin", ours, "Sec-Fetch-Site", "cross-site"}, 403},
		{"PUT", []string{"Origin", other}, 403},
		{"DELETE", []string{"Origin", other}, 403},
		{"PATCH", []string{"Origin", other}, 403},
		{"get", []string{"Origin", other}, 403}, // not GET
		// A link may lead here from anywhere, and changes nothing.
		{"GET", []string{"Origin", other, "Sec-Fetch-Site", "cross-site"}, 200},
		{"HEAD", []string{"Origin", other}, 200},
		{"OPTIONS", []string{"Origin", other}, 200},
	} {
		t.Run(fmt.Sprint(k.method, k.header), func(t *testing.T) {
			asked := false
			s, _ := serve(t, "127.0.0.1:0", func(http.ResponseWriter, *http.Request) { asked = true })
			var header []string
			for _, h := range k.header {
				header = append(header, strings.ReplaceAll(h, "PORT", port(s)))
			}
			answer := ask(t, k.method, s.Addr().String(), header...)
			require.Equal(t, k.status, answer.StatusCode)
			require.Equal(t, k.status == 200, asked)
			require.Empty(t, answer.Header.Get("Access-Control-Allow-Origin"), "no other site reads an answer")
		})
	}
}

func TestEveryAnswerHasTheHeadersThatKeepOtherSitesOut(t *testing.T) {
	s, _ := serve(t, "127.0.0.1:0", func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })
	for status, header := range map[int][]string{
		404: nil,
		421: {"Host", "evil.example"},
		403: {"Origin", "http://evil.example"},
	} {
		answer := ask(t, "POST", s.Addr().String(), header...)
		require.Equal(t, status, answer.StatusCode)
		require.Contains(t, answer.Header.Get("Content-Security-Policy"), "default-src 'none'")
		require.Contains(t, answer.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
		require.Equal(t, "DENY", answer.Header.Get("X-Frame-Options"))
		require.Equal(t, "nosniff", answer.Header.Get("X-Content-Type-Options"))
		require.Equal(t, "same-origin", answer.Header.Get("Referrer-Policy"))
		require.Equal(t, "same-origin", answer.Header.Get("Cross-Origin-Resource-Policy"))
		require.Equal(t, "no-store", answer.Header.Get("Cache-Control"))
	}
}

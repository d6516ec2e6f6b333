package hostile

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// strangersFiles: a capture of very many agents, and places where somebody may
// have put something.
func strangersFiles(t *testing.T, s *site) {
	dir := t.TempDir()
	capture := filepath.Join(dir, "hostile.jsonl")
	s.manyAgents(t, capture, 400_000)
	run := func(args ...string) *exec.Cmd {
		c := exec.Command(s.program, args...)
		c.Dir = dir
		return c
	}
	replay := run("replay", capture)
	begin := time.Now()
	require.NoError(t, replay.Start())
	ended := make(chan error, 1)
	go func() { ended <- replay.Wait() }()
	look := time.NewTicker(5 * time.Millisecond) // the kernel's own maximum begins with this process's, which forked
	defer look.Stop()
	for most := 0; ; {
		select {
		case <-look.C:
			most = max(most, residentOf(replay))
			continue
		case err := <-ended:
			require.Error(t, err, "it is refused, or differs")
		}
		require.Less(t, time.Since(begin), 30*time.Second)
		require.NotZero(t, most)
		require.Less(t, most, 512<<20, "bytes resident")
		break
	}

	sample := "../../test/captures/main-job.jsonl.gz"
	sample, err := filepath.Abs(sample)
	require.NoError(t, err)
	html, junit := filepath.Join(dir, "report.html"), filepath.Join(dir, "report.xml")
	out, err := run("replay", sample, "--html", html, "--junit", junit).CombinedOutput()
	require.NoError(t, err, string(out))
	for _, file := range []string{html, junit} {
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, "%s holds customers' data", file)
	}
	victim, link := filepath.Join(dir, "victim"), filepath.Join(dir, "link.html")
	require.NoError(t, os.WriteFile(victim, []byte("mine"), 0o600))
	require.NoError(t, os.Symlink(victim, link))
	_ = run("replay", sample, "--html", link).Run()
	mine, err := os.ReadFile(victim)
	require.NoError(t, err)
	require.Equal(t, "mine", string(mine), "no link is followed")
}

// manyAgents writes a capture with a Connect of each of n agents.
func (s *site) manyAgents(t *testing.T, name string, n int) {
	t.Helper()
	own, err := os.ReadFile(filepath.Join(s.dir, "capture.jsonl"))
	require.NoError(t, err)
	header, _, _ := bytes.Cut(own, []byte("\n"))
	f, err := os.Create(name)
	require.NoError(t, err)
	defer f.Close()
	w := bufio.NewWriter(f)
	fmt.Fprintf(w, "%s\n", header)
	var h struct{ Time time.Time }
	require.NoError(t, json.Unmarshal(header, &h))
	for i := range n {
		fmt.Fprintf(w, `{"time":%q,"seq":%d,"dir":"in","edge":"broker","agent":"%d","type":"Connect#%d","request":"r%d","body":"d%d,x"}`+"\n",
			h.Time.Format(time.RFC3339Nano), i+1, i, i, i, i)
	}
	require.NoError(t, w.Flush())
}

func localPage(t *testing.T, s *site) {
	_, port, err := net.SplitHostPort(s.http)
	require.NoError(t, err)
	ask := func(method, path, host string, headers ...string) int {
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.http+path, strings.NewReader("{}"))
		require.NoError(t, err)
		r.Host, r.Close = host, true
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		answer.Body.Close()
		return answer.StatusCode
	}
	require.Equal(t, http.StatusMisdirectedRequest, ask(http.MethodGet, "/readyz", "rebound.example:"+port))
	require.Equal(t, http.StatusMisdirectedRequest, ask(http.MethodPost, "/api/capture", "rebound.example:"+port))
	require.Equal(t, http.StatusForbidden, ask(http.MethodPost, "/api/capture", s.http, "Origin", "http://evil.example"))
	require.Equal(t, http.StatusForbidden, ask(http.MethodPost, "/api/capture", s.http, "Sec-Fetch-Site", "cross-site"))

	var idle []net.Conn
	defer func() {
		for _, c := range idle {
			c.Close()
		}
	}()
	for i := range 200 {
		c, err := net.Dial("tcp", s.http)
		require.NoError(t, err)
		idle = append(idle, c)
		if i%2 == 0 {
			fmt.Fprintf(c, "GET /livez HTTP/1.1\r\nHost: %s\r\n\r\n", s.http) // and keeps it alive
		} else {
			fmt.Fprint(c, "GET /li") // and never ends
		}
	}
	begin := time.Now()
	require.Equal(t, http.StatusOK, s.get(t, "/livez"))
	require.Less(t, time.Since(begin), 2*time.Second)
}

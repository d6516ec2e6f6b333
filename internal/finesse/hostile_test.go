package finesse

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// endless writes a document that goes on until the client has gone.
func endless(begin, more string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		_, err := io.WriteString(w, begin)
		for chunk := strings.Repeat(more, 1<<16/len(more)); err == nil; {
			_, err = io.WriteString(w, chunk)
		}
	}
}

// drip sends a byte now and then, for ever.
func drip(w http.ResponseWriter, r *http.Request) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := io.WriteString(w, " "); err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}

// raw answers with begin, and then with again for ever, outside of HTTP.
func raw(begin, again string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		for _, err = io.WriteString(conn, begin); again != "" && err == nil; {
			_, err = io.WriteString(conn, again)
		}
		_, _ = io.Copy(io.Discard, conn)
	}
}

// laughs is a document of 1 KB whose entities stand for gigabytes.
func laughs() string {
	doc := `<!DOCTYPE User [<!ENTITY a "ha">`
	for c := 'b'; c <= 'z'; c++ {
		doc += `<!ENTITY ` + string(c) + ` "` + strings.Repeat("&"+string(c-1)+";", 10) + `">`
	}
	return doc + "]><User><loginId>&z;</loginId></User>"
}

// Whatever Finesse, or who stands in its place, answers: the request ends in
// time with an error, little memory is used for it, and the next one works.
func TestAnswersThatAreBuiltToHurt(t *testing.T) {
	const fill = maxUpdateBytes - 100
	nested := strings.Repeat("<User>", fill/13)
	for _, c := range []struct {
		rule   string
		answer http.HandlerFunc
		code   gc.Code
		result result
	}{
		{"a body without end", endless("<User>", " "), gc.GeneralError, resultMalformed},
		{"an error without end", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500); endless("<ApiErrors>", "x")(w, r) }, gc.GeneralError, resultUnavailable},
		{"a body that drips", drip, gc.NotReachable, resultTimeout},
		{"a header without end", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Bomb", strings.Repeat("x", 1<<20)) }, gc.Down, resultIO},
		{"another protocol (101), and then nothing", raw("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", ""), gc.GeneralError, resultMalformed},
		{"another protocol without end", raw("HTTP/1.1 101 x\r\n\r\n", strings.Repeat("x", 1<<10)), gc.GeneralError, resultMalformed},
		{"informational answers (1xx) without end", raw("", "HTTP/1.1 103 Early Hints\r\n\r\n"), gc.Down, resultIO},
		{"a long line that is no HTTP", raw(strings.Repeat("x", 32<<10)+"\r\n\r\n", ""), gc.Down, resultIO},
		{"a redirect to nowhere", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", ":%zz"+strings.Repeat("x", 8<<10))
			w.WriteHeader(302)
		}, gc.FinesseUnavailable, resultRefused},
		{"entities that stand for each other", answer(200, laughs()), gc.GeneralError, resultMalformed},
		{"elements in elements", answer(200, nested+strings.ReplaceAll(nested, "<", "</")), gc.GeneralError, resultMalformed},
		{"elements beside each other", answer(200, "<User>"+strings.Repeat("<a/>", fill/4)+"</User>"), gc.GeneralError, resultMalformed},
		{"one attribute", answer(200, "<User a='"+strings.Repeat("x", fill)+"'/>"), gc.GeneralError, resultMalformed},
		{"many attributes", answer(200, "<User "+strings.Repeat("a='' ", fill/5)+"/>"), gc.GeneralError, resultMalformed},
		{"one text", answer(200, "<User><loginId>"+strings.Repeat("1", fill)+"</loginId></User>"), gc.GeneralError, resultMalformed},
		{"packed text, which unpacks to much more", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = io.WriteString(w, "\x1f\x8b\x08")
		}, gc.GeneralError, resultMalformed},
	} {
		t.Run(c.rule, func(t *testing.T) {
			hurt := true
			n, client := startNodeWith(t, func(w http.ResponseWriter, r *http.Request) {
				if hurt {
					c.answer(w, r)
					return
				}
				answer(200, "<User><loginId>1001</loginId><state>READY</state></User>")(w, r)
			}, Options{Timeout: 3 * time.Second})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begin := time.Now()
			_, err := client.User(t.Context(), agent)
			took := time.Since(begin)
			runtime.ReadMemStats(&after)
			require.Equal(t, c.code, gc.CodeOf(err), err)
			require.Less(t, len(err.Error()), 1000, "nor is the log filled")
			require.Less(t, took, 10*time.Second)
			require.Less(t, (after.TotalAlloc-before.TotalAlloc)>>20, uint64(300), "MiB, all that was ever in use")
			require.Equal(t, 1.0, testutil.ToFloat64(client.metrics.requests.WithLabelValues("user", string(c.result))))
			hurt = false
			_, err = client.User(t.Context(), agent)
			require.NoError(t, err)
			require.EqualValues(t, 2, n.hits.Load())
		})
	}
}

package ops

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// sink takes lines while it is open.
type sink struct {
	text strings.Builder
	err  error         // instead of taking
	open chan struct{} // nil: at once
}

func (s *sink) Write(p []byte) (int, error) {
	if s.open != nil {
		<-s.open
	}
	if s.err != nil {
		return 0, s.err
	}
	return s.text.Write(p)
}

func writeTo(out io.Writer) *lineWriter {
	return newLineWriter(out, func(lost int64) []byte { return fmt.Appendf(nil, "%d lost\n", lost) })
}

func TestLoggingDoesNotWaitForTheReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{open: make(chan struct{})}
		w := writeTo(s)
		_, err := w.Write([]byte("first\n"))
		require.NoError(t, err)
		synctest.Wait() // it is being written
		for n := range linesWaiting + 5 {
			_, err := w.Write([]byte(strconv.Itoa(n) + "\n"))
			require.NoError(t, err)
		}
		begin := time.Now()
		w.close()
		require.Equal(t, closeTime, time.Since(begin), "the end does not wait for ever")
		close(s.open)
		<-w.finished
		lines := strings.Split(s.text.String(), "\n")
		require.Equal(t, []string{"first", "5 lost", "0", "1"}, lines[:4])
		require.Equal(t, strconv.Itoa(linesWaiting-1), lines[len(lines)-2])
	})
}

func TestLostLinesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{err: syscall.ENOSPC}
		w := writeTo(s)
		line := func(text string) {
			_, err := w.Write([]byte(text + "\n"))
			require.NoError(t, err)
			synctest.Wait()
		}
		for range 10 {
			line("full")
		}
		s.err = nil
		line("room again")
		line("and more")
		w.close()
		w.close()
		require.Equal(t, "10 lost\nroom again\nand more\n", s.text.String())
	})
}

func TestTheLineAboutLostLinesIsOneOfTheLog(t *testing.T) {
	encoder, err := newEncoder("json")
	require.NoError(t, err)
	require.Regexp(t, `^{"level":"warn","time":"[^"]+","msg":"lines of the log are missing here: [^"]+","lines":7}\n$`, string(lossLine(encoder, 7)))
}

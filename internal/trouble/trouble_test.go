package trouble_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/finesse-connector/finesse-connector/internal/servertest"
	"github.com/finesse-connector/finesse-connector/internal/trouble"
)

// What goes wrong is known by the error that Go gives for it, however it is wrapped.
func TestWhatGoesWrongIsKnown(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	trusted := secure.Client().Transport.(*http.Transport).TLSClientConfig
	dial := func(address string, config *tls.Config) error {
		_, err := tls.Dial("tcp", address, config)
		return err
	}
	other := trusted.Clone()
	other.ServerName = "other.test"
	late := trusted.Clone()
	late.Time = func() time.Time { return time.Now().AddDate(100, 0, 0) }
	timeout, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	_, slow := (&net.Dialer{}).DialContext(timeout, "tcp", plain.Listener.Addr().String())

	for rule, c := range map[string]struct {
		err     error
		matches func(error) bool
	}{
		"nothing listens":     {dial(servertest.FreeAddress(t), trusted), trouble.NothingListens},
		"no TLS":              {dial(plain.Listener.Addr().String(), trusted), trouble.NoTLS},
		"unknown CA":          {dial(secure.Listener.Addr().String(), &tls.Config{ServerName: "example.com"}), trouble.UnknownCA},
		"other name":          {dial(secure.Listener.Addr().String(), other), trouble.OtherName},
		"expired":             {dial(secure.Listener.Addr().String(), late), trouble.Invalid},
		"its time is over":    {dial(secure.Listener.Addr().String(), late), trouble.Expired},
		"unknown host":        {&net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host"}}, trouble.UnknownHost},
		"no answer":           {slow, trouble.NoAnswer},
		"no answer to a read": {fmt.Errorf("read: %w", os.ErrDeadlineExceeded), trouble.NoAnswer},
		"out of files":        {&os.SyscallError{Syscall: "socket", Err: syscall.EMFILE}, trouble.OutOfFiles},
	} {
		t.Run(rule, func(t *testing.T) {
			require.Error(t, c.err)
			require.True(t, c.matches(fmt.Errorf("wrapped: %w", c.err)), "%v", c.err)
			require.False(t, c.matches(errors.New("something else")))
		})
	}
}

func TestTheFirstCaseThatMatchesNamesTheTrouble(t *testing.T) {
	refused, any := trouble.Kind{Class: "refused"}, trouble.Kind{Class: "any"}
	cases := []trouble.Case{
		{Kind: refused, Matches: trouble.NothingListens},
		{Kind: any, Matches: func(error) bool { return true }},
	}
	require.Equal(t, refused, trouble.Find(syscall.ECONNREFUSED, cases, trouble.Kind{}))
	require.Equal(t, any, trouble.Find(syscall.EPIPE, cases, trouble.Kind{}))
	require.Equal(t, any, trouble.Find(syscall.EPIPE, cases[:1], any))

	err := &trouble.Error{Kind: trouble.Kind{Class: "nothing listens", Next: "start it"}, Target: "tcp://b:1", Err: syscall.ECONNREFUSED}
	require.EqualError(t, err, "tcp://b:1: nothing listens: connection refused (start it)")
	require.Equal(t, "nothing listens: connection refused", err.Detail())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
}

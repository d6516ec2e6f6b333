package bridge_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/finesse-connector/finesse-connector/internal/bridge"
	"github.com/finesse-connector/finesse-connector/internal/broker"
	"github.com/finesse-connector/finesse-connector/internal/capture"
)

// A capture of some destinations has what concerns the agents who work there,
// whatever somebody without their passwords sends.
func TestACaptureOfADestinationFollowsProofs(t *testing.T) {
	for _, c := range []struct {
		rule     string
		commands []*broker.Delivery
		want     []string // commands
	}{
		{
			"nobody without the password hides an agent from it",
			[]*broker.Delivery{{Type: "Connect#1001", Body: "desk,secret"}, {Type: "Connect#1001", Body: "evil,wrong"}, {Type: "GetState#1001"}},
			[]string{"Connect#1001", "Connect#1001", "GetState#1001"},
		},
		{
			"nor has another agent in it",
			[]*broker.Delivery{{Type: "Connect#1001", Body: "crm,secret"}, {Type: "Connect#1001", Body: "desk,wrong"}, {Type: "GetState#1001"}},
			[]string{"Connect#1001"},
		},
		{
			"an agent who moves there is in it from the Connect on",
			[]*broker.Delivery{{Type: "Connect#1001", Body: "crm,secret"}, {Type: "GetState#1001"}, {Type: "Connect#1001", Body: "desk,secret"}, {Type: "refresh#1001"}},
			[]string{"Connect#1001", "refresh#1001"},
		},
		{
			"and one who goes until then",
			[]*broker.Delivery{{Type: "Connect#1001", Body: "desk,secret"}, {Type: "Connect#1001", Body: "crm,secret"}, {Type: "refresh#1001"}},
			[]string{"Connect#1001", "Connect#1001"},
		},
		{
			"a Login that says where counts like a Connect",
			[]*broker.Delivery{{Type: "Login#1001", Body: "secret,2001", ReplyTo: "/topic/desk"}, {Type: "GetState#1001"}},
			[]string{"Login#1001", "GetState#1001"},
		},
	} {
		t.Run(c.rule, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "capture.jsonl")
			var recorder *capture.Recorder
			playWith(t, func(o *bridge.Options) {
				recorder = capture.New(capture.Options{
					File: file, MaxSize: 1 << 30, Destinations: []string{"/topic/desk"},
				}, nil, "v1", zap.NewNop(), nil)
				o.Capture = recorder
			}, func(st *stage) {
				ctx, stop := context.WithCancel(st.Context())
				written := make(chan struct{})
				go func() {
					defer close(written)
					recorder.Run(ctx)
				}()
				for _, d := range c.commands {
					st.send(d)
				}
				stop()
				<-written
			})
			require.Equal(t, c.want, commandsOf(t, file))
		})
	}
}

// commandsOf are the types of the commands in a capture.
func commandsOf(t *testing.T, file string) (types []string) {
	t.Helper()
	f, err := capture.OpenFiles(t.Context(), file)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	for i, err := f.Next(); err == nil; i, err = f.Next() {
		if i.Record != nil && i.Record.IsCommand() {
			types = append(types, i.Record.Type)
		}
	}
	return types
}

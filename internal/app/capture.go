package app

import (
	"context"
	"runtime/debug"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/recording"
	"github.com/finesse-connector/finesse-connector/internal/session"
)

// captureOptions are those that the configuration asks for.
func captureOptions(c *config.Config) capture.Options {
	o := capture.Options{
		File: c.Capture.File, MaxSize: int64(c.Capture.MaxSize), Keep: c.Capture.Keep, Destinations: c.Capture.Destinations,
		Settings: capture.Settings{
			Format:              c.Messages.Format,
			Formats:             c.Messages.Formats,
			Destinations:        c.Messages.Destinations,
			Own:                 own(c.Broker),
			TimeZone:            c.Messages.TimeZone.String(),
			SeparatorSubstitute: c.Messages.SeparatorSubstitute,
			Deprecated:          c.Messages.Deprecated,
			AgentLimit:          c.Agents.Limit,
			MaxCommandAge:       c.Broker.MaxCommandAge,
			RequestTimeout:      c.Finesse.RequestTimeout,
			Retries:             c.Finesse.Retries,
			Admin:               c.Finesse.Admin.Username,
		},
	}
	for _, agent := range c.Capture.Agents {
		o.Agents = append(o.Agents, gc.AgentID(agent))
	}
	if c.Cluster.Plaintext {
		o.Settings.SyncTopic = c.Broker.SyncTopic
	}
	if c.Messages.StatusBar {
		o.Settings.Sentences = c.Messages.Sentences
	}
	for _, n := range c.Finesse.Nodes {
		o.Settings.Nodes = append(o.Settings.Nodes, restHost(n))
	}
	return o
}

// version is that of the program, "" where it was built without one.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}

// recordedRecorder captures what the recorder of calls answers.
type recordedRecorder struct {
	next    session.Recorder
	capture *capture.Recorder
}

func (r recordedRecorder) Pause(ctx context.Context, c recording.Call) error {
	return r.record(capture.Paused, c, r.next.Pause(ctx, c))
}

func (r recordedRecorder) Resume(ctx context.Context, c recording.Call) error {
	return r.record(capture.Resumed, c, r.next.Resume(ctx, c))
}

func (r recordedRecorder) record(what string, c recording.Call, err error) error {
	if !r.capture.On() {
		return err
	}
	x := capture.Record{Dir: capture.In, Edge: capture.REST, Agent: c.Agent, Type: what, Topic: string(c.Dialog)}
	if err != nil {
		x.Code, x.Problem = string(gc.CodeOf(err)), err.Error()
	}
	r.capture.Record(x)
	return err
}

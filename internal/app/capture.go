package app

import (
	"runtime/debug"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
	"github.com/finesse-connector/finesse-connector/internal/nodes"
)

// captureOptions returns those that the configuration asks for.
func captureOptions(c *config.Config) capture.Options {
	s := settings(c)
	o := capture.Options{
		File: c.Capture.File, MaxSize: int64(c.Capture.MaxSize), Keep: c.Capture.Keep, Destinations: c.Capture.Destinations,
		Settings: capture.Settings{
			Format:              s.Format,
			Formats:             s.Formats,
			Destinations:        s.Destinations,
			Own:                 s.Own,
			TimeZone:            s.Writer.Location.String(),
			SeparatorSubstitute: string(s.Writer.Substitute),
			Participants:        s.Writer.Participants,
			Deprecated:          s.Deprecated,
			Sentences:           s.Sentences,
			SyncTopic:           s.SyncTopic,
			AgentLimit:          s.AgentLimit,
			MaxCommandAge:       s.MaxCommandAge,
			RequestTimeout:      c.Finesse.RequestTimeout,
			Retries:             c.Finesse.Retries,
			Admin:               c.Finesse.Admin.Username,
		},
	}
	for _, agent := range c.Capture.Agents {
		o.Agents = append(o.Agents, gc.AgentID(agent))
	}
	for _, n := range c.Finesse.Nodes {
		o.Settings.Nodes = append(o.Settings.Nodes, nodes.Name(n))
	}
	return o
}

// version returns the program's, "" if it was built without one.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	return info.Main.Version
}

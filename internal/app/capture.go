package app

import (
	"runtime/debug"

	"github.com/finesse-connector/finesse-connector/internal/capture"
	"github.com/finesse-connector/finesse-connector/internal/config"
	"github.com/finesse-connector/finesse-connector/internal/gc"
)

// captureOptions are those that the configuration asks for.
func captureOptions(c *config.Config) capture.Options {
	o := capture.Options{
		File: c.Capture.File, MaxSize: int64(c.Capture.MaxSize), Keep: c.Capture.Keep,
		Settings: capture.Settings{
			Format:              string(c.Messages.Format),
			Formats:             map[string]string{},
			TimeZone:            c.Messages.TimeZone.String(),
			SeparatorSubstitute: c.Messages.SeparatorSubstitute,
			Deprecated:          c.Messages.Deprecated,
			AgentLimit:          c.Agents.Limit,
			MaxCommandAge:       c.Broker.MaxCommandAge,
			RequestTimeout:      c.Finesse.RequestTimeout,
			Retries:             c.Finesse.Retries,
			Admin:               c.Finesse.Admin.Username != "",
		},
	}
	if len(c.Capture.Destinations) > 0 {
		o.Destinations = c.Capture.Wants
	}
	for _, agent := range c.Capture.Agents {
		o.Agents = append(o.Agents, gc.AgentID(agent))
	}
	for _, rule := range c.Messages.Formats {
		o.Settings.Formats[rule.Pattern] = string(rule.Format)
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
